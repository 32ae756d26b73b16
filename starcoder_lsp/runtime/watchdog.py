"""Notices a process that owes something and has gone silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable

# Silence is measured in so many steps.
N_TICKS = 10
# A step that took so much longer than planned means that this process was stopped
# (SIGSTOP, a suspended laptop, a debugger): the silence was its own.
MAX_LATE_S = 1.0


class Watchdog:
    """Calls `on_silence` when nothing is heard although something is owed.

    Each thing that is owed has its own patience in seconds; the longest counts.
    Time in which this process did not run does not count, and afterwards the
    other process gets its whole patience again.
    """

    def __init__(
        self,
        on_silence: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._on_silence = on_silence
        self._clock, self._sleep = clock, sleep
        self._owed: dict[Hashable, float] = {}
        self._silent_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def expect(self, what: Hashable, patience_s: float) -> None:
        """Wait for `what` from now on, or with another patience than before."""
        if not self._owed:
            self._silent_s = 0.0
        self._owed[what] = patience_s
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    def settle(self, what: Hashable) -> None:
        """Expect `what` no longer."""
        self._owed.pop(what, None)
        if not self._owed:
            self.stop()

    @property
    def expects_something(self) -> bool:
        return bool(self._owed)

    def heard(self) -> None:
        """Note a sign of life."""
        self._silent_s = 0.0

    def stop(self) -> None:
        """Expect nothing any more."""
        self._owed.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while self._silent_s < (patience_s := max(self._owed.values())):
            tick_s = patience_s / N_TICKS
            started = self._clock()
            await self._sleep(tick_s)
            passed_s = self._clock() - started
            is_late = passed_s > tick_s + MAX_LATE_S
            self._silent_s = 0.0 if is_late else self._silent_s + passed_s
        self._owed.clear()
        self._task = None
        self._on_silence()
