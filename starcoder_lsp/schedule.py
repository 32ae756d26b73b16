"""Who may use the model now: the newest request of a document, once typing rests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class Scheduler:
    """Latest wins, per document.

    A superseded request is answered with None at once and its work is cancelled; one
    that its editor cancels raises CancelledError, and its work is cancelled too.
    """

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep):
        self._sleep = sleep
        self._running: dict[str, asyncio.Task[object]] = {}

    async def run(
        self, key: str, work: Callable[[], Awaitable[Answer]], delay_s: float = 0.0
    ) -> Answer | None:
        """The answer of `work`, begun after `delay_s`, or None when superseded."""
        self.cancel(key)
        task = asyncio.create_task(self._after(delay_s, work))
        self._running[key] = task
        try:
            await asyncio.wait([task])
        finally:
            # Only a cancelled caller gets here with the work still running.
            task.cancel()
            if self._running.get(key) is task:
                del self._running[key]
        return None if task.cancelled() else task.result()

    def cancel(self, key: str) -> None:
        """Answer the document's running request, if any, with None."""
        if (older := self._running.pop(key, None)) is not None:
            older.cancel()

    def cancel_all(self) -> None:
        for key in tuple(self._running):
            self.cancel(key)

    async def _after(
        self, delay_s: float, work: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        if delay_s > 0:
            await self._sleep(delay_s)
        return await work()
