"""A child process that speaks frames, is started again when it dies, and ends with us."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from asyncio import StreamReader
from collections.abc import Awaitable, Callable, Sequence

from starcoder_lsp.runtime import frames, import_path, parent_watch
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import KEEP_TRYING, RestartPolicy, Supervisor

logger = logging.getLogger(__name__)

# What could load foreign code into the child.
UNWANTED_ENVIRONMENT = ("LLAMA_CPP_LIB_PATH", "LLAMA_CPP_LIB")
CLOSE_GRACE_S = 1.0


def python_module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules, with the packages of this process."""
    return import_path.command(name, arguments)


def clean_environment() -> dict[str, str]:
    """The environment of a child, which names this process as its parent."""
    wanted = {k: v for k, v in os.environ.items() if k not in UNWANTED_ENVIRONMENT}
    return parent_watch.naming_parent(wanted)


async def output_of(argv: Sequence[str], patience_s: float) -> bytes:
    """Return what a program prints; raises OSError, or TimeoutError for a slow one.

    A program that hangs on a disk cannot be killed: it is left behind, and ends with the
    disk's next answer.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=clean_environment(),
        cwd=os.sep,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(patience_s):
            said, _ = await process.communicate()
            return said
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_GRACE_S):
                await process.wait()


class Child(Supervisor):
    """A child process, reached through its pipes; it ends when its input or its parent does."""

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
        super().__init__(
            on_start=on_start,
            on_frame=on_frame,
            on_exit=on_exit,
            policy=policy,
            sleep=sleep,
        )
        self._argv = tuple(argv)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def send(self, frame: Frame) -> None:
        stdin = self._process.stdin if self._process else None
        if stdin is not None and not stdin.is_closing():
            stdin.write(frames.encode(frame))

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _connect(self) -> StreamReader:
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=clean_environment(),
            cwd=os.sep,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        return self._process.stdout

    def _hang_up(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def _disconnect(self) -> None:
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
