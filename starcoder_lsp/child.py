"""A child process that speaks frames, is started again when it dies, and ends with us."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starcoder_lsp import frames
from starcoder_lsp.frames import Frame

logger = logging.getLogger(__name__)

# What could load foreign code into the child.
UNWANTED_ENVIRONMENT = ("LLAMA_CPP_LIB_PATH", "LLAMA_CPP_LIB")
CLOSE_GRACE_S = 1.0


def python_module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules in a clean interpreter.

    `-P` keeps the working directory out of the import path and `-E` ignores
    PYTHON* variables; `-I` would also hide a `pip install --user`.
    """
    return [sys.executable, "-E", "-P", "-m", name, *arguments]


@dataclass(frozen=True)
class RestartPolicy:
    """The wait doubles with each crash; too many in the window end it."""

    max_crashes: int = 5
    window_s: float = 180.0
    first_wait_s: float = 1.0

    def wait_s(self, n_crashes: int) -> float:
        return self.first_wait_s * 2.0 ** (n_crashes - 1)


KEEP_TRYING = RestartPolicy()


class Child:
    """Keeps one process running and passes its frames on.

    `on_start` runs after each start, `on_frame` for each frame,
    `on_exit(gave_up)` after each death. All run on the event loop.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        on_start: Callable[[], None],
        on_frame: Callable[[Frame], None],
        on_exit: Callable[[bool], None],
        policy: RestartPolicy = KEEP_TRYING,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._argv = tuple(argv)
        self._on_start, self._on_frame, self._on_exit = on_start, on_frame, on_exit
        self._policy = policy
        self._sleep = sleep
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_retired = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process, or start it again after `on_exit(True)`."""
        self._is_retired = False
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_running())

    def send(self, frame: Frame) -> None:
        """Queue a frame for the child; dropped when it is gone, as `on_exit` tells."""
        stdin = self._process.stdin if self._process else None
        if stdin is not None and not stdin.is_closing():
            stdin.write(frames.encode(frame))

    def retire(self) -> None:
        """Let the process end, and start no other; `on_exit` is not called."""
        self._is_retired = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """End a process that no longer answers; it is started again."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self) -> None:
        """End the process: its input closes, then, if that is not enough, a kill."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    async def _keep_running(self) -> None:
        crashes: deque[float] = deque(maxlen=self._policy.max_crashes)
        while True:
            try:
                await self._run_once()
            except OSError as exc:
                logger.error("cannot start a child process: %s", exc)
            finally:
                await self._end_process()
            if self._is_retired:
                return
            crashes.append(time.monotonic())
            recent = [at for at in crashes if crashes[-1] - at < self._policy.window_s]
            gave_up = len(recent) >= self._policy.max_crashes
            self._on_exit(gave_up)
            if gave_up:
                return
            await self._sleep(self._policy.wait_s(len(recent)))

    async def _run_once(self) -> None:
        environment = {
            k: v for k, v in os.environ.items() if k not in UNWANTED_ENVIRONMENT
        }
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            cwd=os.sep,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._on_start()
        try:
            while (frame := await frames.receive(self._process.stdout)) is not None:
                self._on_frame(frame)
        except (frames.BadFrame, KeyError, TypeError, ValueError) as exc:
            logger.error(
                "child %s sent a wrong frame (%s: %s); starting it again",
                self.pid,
                type(exc).__name__,
                exc if isinstance(exc, frames.BadFrame) else "",
            )

    async def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(CLOSE_GRACE_S):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        logger.info("child %s ended with status %s", process.pid, process.returncode)
