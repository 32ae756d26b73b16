"""When nobody has wanted anything for a while; the clock is told what time it is."""

from __future__ import annotations

import asyncio

from starcoder_lsp.engines.llama.idle import IdleWatch


class Time:
    """Sleeping takes no time, and the clock moves on by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self.during_sleep = [lambda: None]

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        if self.during_sleep:
            self.during_sleep.pop(0)()
        await asyncio.sleep(0)


async def watched(time: Time, after_s: float) -> tuple[IdleWatch, list[float]]:
    idle_at: list[float] = []
    watch = IdleWatch(
        after_s,
        lambda: idle_at.append(time.now),
        clock=lambda: time.now,
        sleep=time.sleep,
    )
    watch.start()
    return watch, idle_at


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_it_is_said_once_when_the_time_is_over() -> None:
    time = Time()
    _, idle_at = await watched(time, 60)
    await settle()
    assert idle_at == [60]


async def test_each_use_begins_the_wait_anew() -> None:
    time = Time()
    watch, idle_at = await watched(time, 60)

    def use_half_way() -> None:
        time.now -= 30
        watch.touch()

    time.during_sleep = [use_half_way]
    await settle()
    assert idle_at == [90]
    assert time.sleeps == [60, 60]


async def test_never_means_never() -> None:
    time = Time()
    _, idle_at = await watched(time, 0)
    await settle()
    assert idle_at == time.sleeps == []


async def test_what_is_stopped_says_nothing() -> None:
    time = Time()
    watch, idle_at = await watched(time, 60)
    watch.stop()
    await settle()
    assert idle_at == []
