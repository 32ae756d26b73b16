"""The requests that are running: each in a task, whose end closes its connection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from starcoder_lsp.errors import EngineCrashed, EngineError, EngineYielded
from starcoder_lsp.flow import Limits, Piece

Answered = TypeVar("Answered")
Outcome = Piece | EngineError
Put = Callable[[Outcome], None]

logger = logging.getLogger(__name__)


class Running:
    """A request; its outcomes come in a queue, and `cancel` stops it at once."""

    def __init__(self, work: Callable[[Put], Awaitable[None]], *, yields: bool) -> None:
        self.yields = yields
        self._outcomes: asyncio.Queue[Outcome] = asyncio.Queue()
        self.task = asyncio.ensure_future(work(self._outcomes.put_nowait))
        self.task.add_done_callback(self._answer_anyway)

    async def get(self) -> Outcome:
        return await self._outcomes.get()

    def fail(self, error: EngineError) -> None:
        """Stop with an error, which comes after the outcomes so far."""
        self.task.cancel()
        self._outcomes.put_nowait(error)

    def cancel(self) -> None:
        self.task.cancel()

    def _answer_anyway(self, task: asyncio.Future[None]) -> None:
        """Let the reader go on, whatever has ended the task.

        After an outcome that is the last, nobody reads this one.
        """
        error = None if task.cancelled() else task.exception()
        reason = type(error).__name__ if error else "it ended without an answer"
        if error is not None:
            # The text of the error may hold source text.
            logger.error("a request has failed: %s", reason)
            logger.debug("a request has failed", exc_info=error)
        self._outcomes.put_nowait(EngineCrashed(f"the request failed: {reason}"))


async def all_of(*work: Coroutine[Any, Any, Answered]) -> list[Answered]:
    """Return the results in order. The first that fails ends the others."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


class RunningRequests:
    """All running requests of an engine."""

    def __init__(self) -> None:
        self._running: set[Running] = set()

    def begin(self, limits: Limits, work: Callable[[Put], Awaitable[None]]) -> Running:
        """Start a request. Those that yield make room for it."""
        if not limits.yields:
            for one in self._running:
                if one.yields:
                    one.fail(EngineYielded("the engine was wanted for something else"))
        running = Running(work, yields=limits.yields)
        self._running.add(running)
        running.task.add_done_callback(lambda _: self._running.discard(running))
        return running

    async def end(self, error: EngineCrashed) -> None:
        """End all requests with an error; returns when their connections are closed."""
        running = list(self._running)
        for one in running:
            one.fail(error)
        await asyncio.gather(*(one.task for one in running), return_exceptions=True)
