"""Keeps a process running that works for us: connects to it, and again after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from asyncio import StreamReader
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from starcoder_lsp.runtime import frames, log
from starcoder_lsp.runtime.frames import Frame

logger = logging.getLogger(__name__)

# How long a process may take to end once it was told to; `allow` gives it more.
END_GRACE_S = 1.0


@dataclass(frozen=True)
class RestartPolicy:
    """Limits how often a process that crashes is started again.

    The wait before a restart doubles with each crash, starting with `first_wait_s`.
    After `max_crashes` within `window_s` seconds there is no further restart.
    """

    max_crashes: int = 5
    window_s: float = 180.0
    first_wait_s: float = 1.0

    def wait_s(self, n_crashes: int) -> float:
        return self.first_wait_s * 2.0 ** (n_crashes - 1)


KEEP_TRYING = RestartPolicy()


class _Then(Enum):
    """The next step when the process ends."""

    RESTART = "it crashed: start it again after a wait"
    STOP = "it was retired: start no other"
    REPLACE = "it was retired and started again: start the next one at once"


class Supervisor(ABC):
    """Keeps one process running and passes its frames on.

    `on_start` runs after each start, `on_frame` for each frame, and
    `on_exit(gave_up)` after each crash. All run on the event loop. An exception of
    `on_frame` that a malformed frame can cause ends the process like a crash.
    """

    def __init__(
        self,
        *,
        on_start: Callable[[], None],
        on_frame: Callable[[Frame], None],
        on_exit: Callable[[bool], None],
        policy: RestartPolicy = KEEP_TRYING,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._on_start, self._on_frame, self._on_exit = on_start, on_frame, on_exit
        self._policy = policy
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None
        self._then = _Then.RESTART
        # Expires when a process that was told to end does not.
        self._patience: asyncio.Timeout | None = None
        # A process is started with our level as an argument, and logs to our stderr.
        self._log_at_start = log.LogTarget(log.target().level)
        log.followers.add(self)

    @property
    @abstractmethod
    def pid(self) -> int | None: ...

    def start(self) -> None:
        """Start the process; again after `retire` or `on_exit(True)`.

        A process that was retired ends first. Further calls change nothing.
        """
        if self._task is None or self._task.done():
            self._then = _Then.RESTART
            self._task = asyncio.create_task(self._keep_running())
        elif self._then is _Then.STOP:
            self._then = _Then.REPLACE

    @abstractmethod
    def send(self, frame: Frame) -> None:
        """Queue a frame; it is dropped when no process is connected."""

    def follow_log(self) -> None:
        """Tell the process to log as this one does now."""
        self.send(log.frame())

    def retire(self) -> None:
        """Tell the process to end and start no other; `on_exit` is not called.

        A process that does not end within `END_GRACE_S` is killed.
        """
        self._then = _Then.STOP
        self._hang_up()
        self.allow(END_GRACE_S)

    def allow(self, seconds: float) -> None:
        """Give a process that was retired `seconds` from now to end."""
        if self._patience and self._then is not _Then.RESTART:
            deadline = asyncio.get_running_loop().time() + seconds
            if not self._patience.expired():
                self._patience.reschedule(deadline)

    @abstractmethod
    def kill(self) -> None:
        """End a process that no longer answers; it is started again."""

    async def close(self) -> None:
        """Retire the process and wait until it has ended."""
        if self._task is None:
            return
        if self._patience is None:
            self._task.cancel()
        else:
            self.retire()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _keep_running(self) -> None:
        crashes: deque[float] = deque(maxlen=self._policy.max_crashes)
        while self._then is not _Then.STOP:
            self._then = _Then.RESTART
            await self._run_once()
            if self._then is not _Then.RESTART:
                continue
            crashes.append(time.monotonic())
            recent = [at for at in crashes if crashes[-1] - at < self._policy.window_s]
            gave_up = len(recent) >= self._policy.max_crashes
            self._on_exit(gave_up)
            if gave_up:
                return
            await self._sleep(self._policy.wait_s(len(recent)))

    async def _run_once(self) -> None:
        try:
            stream = await self._connect()
            if self._then is _Then.RESTART:
                if log.target() != self._log_at_start:
                    self.follow_log()
                self._on_start()
                await self._listen(stream)
        except (OSError, frames.BadFrame) as exc:
            logger.error("cannot reach a process: %s", exc)
        finally:
            self._patience = None
            await self._disconnect()

    async def _listen(self, stream: StreamReader) -> None:
        try:
            async with asyncio.timeout(None) as self._patience:
                while (frame := await frames.receive(stream)) is not None:
                    self._on_frame(frame)
        except TimeoutError:
            logger.warning("process %s was told to end and did not", self.pid)
        except (
            frames.BadFrame,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ) as exc:
            logger.error(
                "process %s sent a malformed frame (%s: %s); it is started again",
                self.pid,
                type(exc).__name__,
                exc if isinstance(exc, frames.BadFrame) else "",
            )

    @abstractmethod
    async def _connect(self) -> StreamReader:
        """Start or find the process; return the stream of its frames.

        Raises OSError or BadFrame when it cannot be reached.
        """

    @abstractmethod
    def _hang_up(self) -> None:
        """Tell the process that no more frames follow, if one is connected."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Release the process after its last frame, or in the middle.

        Also called when `_connect` failed.
        """
