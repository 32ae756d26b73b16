"""Notices that an engine has not been used for some time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class IdleWatch:
    """Calls `on_idle` once, `after_s` seconds after the last `touch`; 0 means never."""

    def __init__(
        self,
        after_s: float,
        on_idle: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._after_s = after_s
        self._on_idle = on_idle
        self._clock, self._sleep = clock, sleep
        self._touched_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch, or begin again."""
        self.stop()
        self.touch()
        if self._after_s > 0:
            self._task = asyncio.create_task(self._watch())

    def touch(self) -> None:
        """Note that the engine is used."""
        self._touched_at = self._clock()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while (left_s := self._touched_at + self._after_s - self._clock()) > 0:
            await self._sleep(left_s)
        self._task = None
        self._on_idle()
