"""Latest wins, per document."""

from __future__ import annotations

import asyncio

import pytest

from starcoder_lsp.schedule import Scheduler


class Work:
    """Counts what became of it; goes on when told to."""

    def __init__(self, answer: str = "done") -> None:
        self.answer = answer
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()
        self.n_cancelled = 0

    async def __call__(self) -> str:
        self.started.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        return self.answer


async def test_a_newer_request_answers_the_older_with_none_at_once() -> None:
    scheduler, old, new = Scheduler(), Work("old"), Work("new")
    older = asyncio.create_task(scheduler.run("a", old))
    await old.started.wait()
    newer = asyncio.create_task(scheduler.run("a", new))
    assert await older is None
    assert old.n_cancelled == 1
    new.may_end.set()
    assert await newer == "new"


async def test_two_documents_do_not_disturb_each_other() -> None:
    scheduler, one, two = Scheduler(), Work("one"), Work("two")
    first = asyncio.create_task(scheduler.run("a", one))
    second = asyncio.create_task(scheduler.run("b", two))
    one.may_end.set()
    two.may_end.set()
    assert (await first, await second) == ("one", "two")


async def test_a_cancelled_caller_cancels_the_work() -> None:
    scheduler, work = Scheduler(), Work()
    caller = asyncio.create_task(scheduler.run("a", work))
    await work.started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await asyncio.sleep(0)
    assert work.n_cancelled == 1


async def test_work_superseded_while_typing_goes_on_never_starts() -> None:
    rested = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await rested.wait()

    scheduler, old, new = Scheduler(sleep), Work("old"), Work("new")
    older = asyncio.create_task(scheduler.run("a", old, 0.1))
    await asyncio.sleep(0)
    newer = asyncio.create_task(scheduler.run("a", new, 0.1))
    assert await older is None
    rested.set()
    new.may_end.set()
    assert await newer == "new"
    assert not old.started.is_set()


async def test_an_error_of_the_work_reaches_the_caller() -> None:
    async def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Scheduler().run("a", fail)


async def test_cancel_all_answers_everybody_with_none() -> None:
    scheduler = Scheduler()
    callers = [asyncio.create_task(scheduler.run(key, Work())) for key in "abc"]
    await asyncio.sleep(0)
    scheduler.cancel_all()
    assert await asyncio.gather(*callers) == [None, None, None]
