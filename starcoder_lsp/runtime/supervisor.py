"""A connection to a process that works for us, made again when it breaks."""

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

from starcoder_lsp.runtime import frames
from starcoder_lsp.runtime.frames import Frame

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RestartPolicy:
    """The wait doubles with each crash; too many in the window end it."""

    max_crashes: int = 5
    window_s: float = 180.0
    first_wait_s: float = 1.0

    def wait_s(self, n_crashes: int) -> float:
        return self.first_wait_s * 2.0 ** (n_crashes - 1)


KEEP_TRYING = RestartPolicy()


class Link(ABC):
    """Keeps one process at hand and passes its frames on.

    `on_start` runs after each start, `on_frame` for each frame,
    `on_exit(gave_up)` after each death. All run on the event loop.
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
        self._is_retired = False
        self._is_next_wanted = False

    @property
    @abstractmethod
    def pid(self) -> int | None: ...

    def start(self) -> None:
        """Begin, or begin again after `retire` and after `on_exit(True)`."""
        # One on its way out is let go first, and that is no crash.
        self._is_next_wanted = self._is_retired
        self._is_retired = False
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_running())

    @abstractmethod
    def send(self, frame: Frame) -> None:
        """Queue a frame; dropped when nobody is there, as `on_exit` tells."""

    def retire(self) -> None:
        """Let the process go, and start no other; `on_exit` is not called."""
        self._is_retired = True
        self._hang_up()

    @abstractmethod
    def kill(self) -> None:
        """End a process that no longer answers; it is started again."""

    async def close(self) -> None:
        """Let the process go, and wait until that is done."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _keep_running(self) -> None:
        crashes: deque[float] = deque(maxlen=self._policy.max_crashes)
        self._is_next_wanted = False
        while True:
            try:
                frames_in = await self._connect()
                self._on_start()
                await self._listen(frames_in)
            except OSError as exc:
                logger.error("cannot reach a process: %s", exc)
            finally:
                await self._disconnect()
            if self._is_retired:
                return
            if self._is_next_wanted:
                self._is_next_wanted = False
                continue
            crashes.append(time.monotonic())
            recent = [at for at in crashes if crashes[-1] - at < self._policy.window_s]
            gave_up = len(recent) >= self._policy.max_crashes
            self._on_exit(gave_up)
            if gave_up:
                return
            await self._sleep(self._policy.wait_s(len(recent)))

    async def _listen(self, stream: StreamReader) -> None:
        try:
            while (frame := await frames.receive(stream)) is not None:
                self._on_frame(frame)
        except (frames.BadFrame, KeyError, TypeError, ValueError) as exc:
            logger.error(
                "process %s sent a wrong frame (%s: %s); starting it again",
                self.pid,
                type(exc).__name__,
                exc if isinstance(exc, frames.BadFrame) else "",
            )

    @abstractmethod
    async def _connect(self) -> StreamReader:
        """Start or find the process; what it says comes out of the stream."""

    @abstractmethod
    def _hang_up(self) -> None:
        """Tell the process that nothing more comes from us."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """After the last frame, or in the middle; also when nothing was connected."""
