"""An engine that is silent is noticed; time in which we were stopped does not count."""

from __future__ import annotations

import asyncio

import pytest

from starcoder_lsp.runtime.watchdog import Watchdog


class Clock:
    """A clock that moves only while a watchdog sleeps or a test moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.n_silences = 0
        self.watchdog = Watchdog(
            self._silent, clock=lambda: self.now, sleep=self._sleep
        )
        self._moves_on = asyncio.Event()
        self._until = 0.0

    def _silent(self) -> None:
        self.n_silences += 1

    async def _sleep(self, seconds: float) -> None:
        while self.now + seconds > self._until + 1e-9:
            self._moves_on.clear()
            await self._moves_on.wait()
        self.now += seconds

    async def run(self, seconds: float) -> None:
        """Move the clock on while this process runs."""
        self._until += seconds
        self._moves_on.set()
        for _ in range(200):
            await asyncio.sleep(0)

    async def stop_for(self, seconds: float) -> None:
        """Move the clock on while this process is stopped."""
        self.now += seconds
        self._until += seconds
        await self.run(0)


@pytest.fixture
async def clock() -> Clock:
    return Clock()


async def test_a_process_that_owes_something_and_is_silent_is_noticed(
    clock: Clock,
) -> None:
    clock.watchdog.expect("an answer", 10)
    await clock.run(9)
    assert clock.n_silences == 0
    await clock.run(2)
    assert clock.n_silences == 1
    assert not clock.watchdog.expects_something


async def test_signs_of_life_keep_it_quiet(clock: Clock) -> None:
    clock.watchdog.expect("an answer", 10)
    for _ in range(5):
        await clock.run(8)
        clock.watchdog.heard()
    assert clock.n_silences == 0


async def test_a_process_that_owes_nothing_may_be_silent(clock: Clock) -> None:
    clock.watchdog.expect("an answer", 10)
    clock.watchdog.settle("an answer")
    await clock.run(100)
    assert clock.n_silences == 0


async def test_the_longest_patience_counts(clock: Clock) -> None:
    clock.watchdog.expect("a key", 10)
    clock.watchdog.expect("a long text", 60)
    await clock.run(50)
    assert clock.n_silences == 0
    clock.watchdog.settle("a long text")
    await clock.run(20)
    assert clock.n_silences == 1


async def test_time_in_which_we_were_stopped_is_not_the_engines_silence(
    clock: Clock,
) -> None:
    clock.watchdog.expect("an answer", 10)
    await clock.run(8)
    await clock.stop_for(3600)
    await clock.run(8)
    assert clock.n_silences == 0
    await clock.run(4)
    assert clock.n_silences == 1


async def test_patience_begins_with_the_first_thing_that_is_owed(clock: Clock) -> None:
    clock.watchdog.expect("an answer", 10)
    await clock.run(8)
    clock.watchdog.settle("an answer")
    clock.watchdog.expect("another", 10)
    await clock.run(8)
    assert clock.n_silences == 0
