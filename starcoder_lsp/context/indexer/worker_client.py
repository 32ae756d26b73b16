"""Runs the processes that read and parse for the indexer; any of them may die."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable

from starcoder_lsp.runtime import frames
from starcoder_lsp.runtime.child import clean_environment, python_module
from starcoder_lsp.runtime.frames import Frame

logger = logging.getLogger(__name__)

# How long a worker may be silent: it may wait for a disk. The kernel ends one that
# computes for two seconds.
PATIENCE_S = 20.0
Argv = list[str]


class WorkerDied(Exception):
    """The worker ended during this request, or did not start."""


class Worker:
    """One process, which starts with its first request and answers in order.

    Further requests wait in its pipe, so that the worker never waits for us.
    """

    def __init__(self, argv: Argv) -> None:
        self._argv = argv
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._turns: deque[asyncio.Event] = deque()
        # The kinds of files whose languages the process has loaded.
        self.has_read: set[str] = set()
        self._has_complained = False

    @classmethod
    def in_background(cls) -> Worker:
        return cls(python_module("starcoder_lsp.context.worker_process", "background"))

    @classmethod
    def for_documents(cls) -> Worker:
        return cls(python_module("starcoder_lsp.context.worker_process"))

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def ask(self, request: Frame) -> Frame:
        """Return the only answer to `request`; raises WorkerDied."""
        async with contextlib.aclosing(self.stream(request, lambda _: True)) as answers:
            return await anext(answers)

    async def stream(
        self, request: Frame, is_last: Callable[[Frame], bool]
    ) -> AsyncGenerator[Frame]:
        """Yield the answers to `request` up to the one that `is_last`; raises WorkerDied."""
        process = await self._started()
        turn = asyncio.Event()
        self._turns.append(turn)
        if len(self._turns) == 1:
            turn.set()
        is_over = False
        try:
            assert process.stdin is not None
            process.stdin.write(frames.encode(request))
            await turn.wait()
            if process is not self._process:
                is_over = True
                raise LostItsTurn
            while not is_over:
                answer = await self._receive(process)
                is_over = is_last(answer)
                yield answer
        finally:
            if not is_over:
                # The rest of its answer would be taken for that to the next request.
                await self.close()
            self._turns.remove(turn)
            if self._turns:
                self._turns[0].set()

    async def _receive(self, process: asyncio.subprocess.Process) -> Frame:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await frames.receive(process.stdout)
        except (TimeoutError, frames.BadFrame):
            answer = None
        if answer is None:
            raise WorkerDied
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None:
                try:
                    self._process = await self._start()
                except OSError as exc:  # no descriptor, process or memory is left
                    if not self._has_complained:
                        logger.warning("no worker can be started: %s", exc.strerror)
                        self._has_complained = True
                    raise CannotStart from exc
            return self._process

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=clean_environment(),
            cwd=os.sep,
        )

    async def close(self) -> None:
        process, self._process = self._process, None
        self.has_read.clear()
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class CannotStart(WorkerDied):
    """The process cannot be started, whatever the request."""


class LostItsTurn(WorkerDied):
    """An earlier request has ended the worker before it began this one."""
