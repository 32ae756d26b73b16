"""One generation at a time: joined while it agrees, stopped when it does not."""

from __future__ import annotations

import asyncio

import pytest

from starcoder_lsp.errors import EngineCrashed, EngineYielded
from starcoder_lsp.flow import Completion
from starcoder_lsp.suggesting.cache import Cache, Space, Spot
from starcoder_lsp.suggesting.scheduler import GRACE_S, Hear, Job, Request, Scheduler


def spot(prefix: str, uri: str = "a") -> Spot:
    return Spot(Space.of(uri, "m", ""), prefix)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._passed = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._passed.wait()

    async def passes(self) -> None:
        self._passed.set()
        await settled()
        self._passed.clear()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Model:
    """Writes its text piece by piece when told to; counts what it is made to do."""

    def __init__(self, text: str = "done") -> None:
        self.text = text
        self.cache = Cache()
        self.clock = Clock()
        self.scheduler = Scheduler(self.clock.sleep)
        self.n_started = self.n_stopped = self.n_running = self.n_most = 0
        self._hear: Hear = lambda text: None
        self._end = asyncio.Event()
        self.tasks: list[asyncio.Task[str | None]] = []

    async def _generate(self, where: Spot, hear: Hear) -> str | None:
        self.n_started += 1
        self.n_running += 1
        self.n_most = max(self.n_most, self.n_running)
        self._hear = hear
        self._end.clear()
        try:
            await self._end.wait()
        except asyncio.CancelledError:
            self.n_stopped += 1
            raise
        finally:
            self.n_running -= 1
        self.cache.keep(where, [Completion(self.text)])
        return self.text

    def writes(self, so_far: str) -> None:
        self._hear(so_far)

    async def ends(self) -> None:
        self._end.set()
        await settled()

    def job(self, where: Spot | None) -> Job:
        return Job(where, where, lambda hear: self._generate(where or spot("?"), hear))

    async def ask(
        self,
        where: Spot,
        delay_s: float = 0.0,
        channel: str = "inline",
        variant: str = "",
    ) -> asyncio.Task[str | None]:
        def find() -> str | None:
            found = self.cache.find(where)
            return found.completions[0].text if found else None

        request: Request[str | None] = Request(
            channel,
            where,
            where,
            find,
            lambda hear: self._generate(where, hear),
            delay_s,
            variant,
        )
        task = asyncio.create_task(self.scheduler.run(request))
        self.tasks.append(task)
        await settled()
        return task


async def test_what_is_known_needs_no_model() -> None:
    model = Model()
    model.cache.keep(spot("x"), [Completion("yz")])
    assert await (await model.ask(spot("xy"), 5.0)) == "z"
    assert model.n_started == 0
    assert model.clock.slept == []


async def test_a_newer_request_answers_the_older_with_none_at_once() -> None:
    model = Model()
    older = await model.ask(spot("a"))
    newer = await model.ask(spot("b"))
    assert await older is None
    assert model.n_stopped == 1
    await model.ends()
    assert await newer == "done"


async def test_the_newest_wins_whatever_its_file() -> None:
    model = Model()
    older = await model.ask(spot("a", uri="one"))
    newer = await model.ask(spot("a", uri="two"))
    assert await older is None
    await model.ends()
    assert await newer == "done"
    assert model.n_most == 1


async def test_an_older_request_of_another_channel_does_not_stop_a_newer_ones_work() -> (
    None
):
    model = Model()
    older = await model.ask(spot("aaa"), delay_s=1.0, channel="inline")
    newer = await model.ask(spot("bbb"), channel="popup")
    await model.clock.passes()
    assert (model.n_started, model.n_stopped) == (1, 0)
    assert await older is None
    await model.ends()
    assert await newer == "done"


async def test_a_keystroke_that_agrees_joins_what_is_running() -> None:
    model = Model("return value")
    older = await model.ask(spot("x = "))
    model.writes("ret")
    newer = await model.ask(spot("x = re"), 1.0)
    assert await older is None
    await model.ends()
    assert await newer == "turn value"
    assert model.n_started == 1
    assert model.clock.slept == [GRACE_S]


async def test_typing_ahead_of_the_model_waits_for_it() -> None:
    model = Model("return value")
    await model.ask(spot(""))
    newer = await model.ask(spot("return v"))
    model.writes("return")
    await settled()
    assert model.n_stopped == 0
    await model.ends()
    assert await newer == "alue"


async def test_only_a_difference_stops_it() -> None:
    model = Model("other")
    await model.ask(spot(""))
    newer = await model.ask(spot("return v"))
    model.writes("retr")
    await settled()
    assert (model.n_started, model.n_stopped) == (2, 1)
    await model.ends()
    assert await newer == "other"


async def test_a_generation_that_ends_short_of_what_was_typed_is_followed_by_another() -> (
    None
):
    model = Model("ab")
    await model.ask(spot(""))
    newer = await model.ask(spot("ab"))
    await model.ends()
    assert model.n_started == 2
    await model.ends()
    assert await newer == "ab"


async def test_another_text_around_the_cursor_joins_nothing() -> None:
    model = Model()
    await model.ask(spot("x", uri="one"))
    await model.ask(spot("x", uri="two"))
    assert model.n_started == 2


async def test_a_cancelled_request_leaves_a_moment_to_join_its_work() -> None:
    model = Model("value")
    older = await model.ask(spot("x = "))
    older.cancel()
    await settled()
    assert model.n_stopped == 0
    newer = await model.ask(spot("x = v"), 1.0)
    await model.clock.passes()
    assert model.n_stopped == 0
    await model.ends()
    assert await newer == "alue"
    with pytest.raises(asyncio.CancelledError):
        await older


async def test_after_that_moment_the_model_is_stopped() -> None:
    model = Model()
    (await model.ask(spot(""))).cancel()
    await settled()
    await model.clock.passes()
    assert model.n_stopped == 1
    assert model.scheduler.is_idle


async def test_work_superseded_while_typing_goes_on_never_starts() -> None:
    model = Model()
    older = await model.ask(spot("a"), 0.3)
    newer = await model.ask(spot("ab"), 0.2)
    assert await older is None
    assert model.n_started == 0
    await model.clock.passes()
    await model.ends()
    assert await newer == "done"
    assert model.clock.slept[:2] == [0.3, 0.2]


async def test_two_channels_at_one_place_share_the_work() -> None:
    model = Model()
    ghost = await model.ask(spot("a"))
    popup = await model.ask(spot("a"), channel="popup")
    await model.ends()
    assert (await ghost, await popup) == ("done", "done")
    assert model.n_started == 1


@pytest.mark.parametrize("under_way", ["", "more"])
async def test_all_suggestions_need_work_of_their_own(under_way: str) -> None:
    model = Model()
    older = await model.ask(spot("a"), variant=under_way)
    newer = await model.ask(spot("a"), variant="all")
    assert await older is None
    assert model.n_started == 2
    await model.ends()
    assert await newer == "done"


async def test_an_error_of_the_work_reaches_everybody_who_waits_for_it() -> None:
    async def fail(hear: Hear) -> str:
        await settled()
        raise EngineCrashed("no")

    scheduler = Scheduler()
    callers = [
        asyncio.create_task(
            scheduler.run(Request(channel, spot("a"), spot("a"), lambda: None, fail))
        )
        for channel in ("inline", "popup")
    ]
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [EngineCrashed, EngineCrashed]


async def test_closing_a_document_answers_its_requests_with_none() -> None:
    model = Model()
    caller = await model.ask(spot("a"))
    model.scheduler.cancel("b")
    await settled()
    assert not caller.done()
    model.scheduler.cancel("a")
    assert await caller is None
    await settled()
    assert model.n_stopped == 1


async def test_closing_a_document_drops_what_was_planned_for_it() -> None:
    model = Model()
    model.scheduler.when_idle(lambda: model.job(spot("a")), 1.0)
    await settled()
    model.scheduler.cancel("a")
    await model.clock.passes()
    assert model.n_started == 0


async def test_cancel_all_answers_everybody_with_none() -> None:
    model = Model()
    callers = [await model.ask(spot("a"), channel=channel) for channel in "abc"]
    model.scheduler.cancel_all()
    assert await asyncio.gather(*callers) == [None, None, None]


async def test_background_work_waits_for_a_rest() -> None:
    model = Model()
    model.scheduler.when_idle(lambda: model.job(None), 1.0)
    await settled()
    assert model.clock.slept == [1.0]
    assert model.n_started == 0
    await model.clock.passes()
    assert model.n_started == 1
    await model.ends()
    assert model.scheduler.is_idle


async def test_a_newer_plan_takes_the_place_of_the_older() -> None:
    model = Model()
    model.scheduler.when_idle(lambda: model.job(spot("x")), 1.0)
    await settled()
    model.scheduler.when_idle(lambda: None, 1.0)
    await settled()
    await model.clock.passes()
    assert model.n_started == 0


async def test_any_real_request_stops_the_background_at_once() -> None:
    model = Model()
    model.scheduler.when_idle(lambda: model.job(spot("x")), 1.0)
    await settled()
    await model.clock.passes()
    caller = await model.ask(spot("z"))
    assert (model.n_started, model.n_stopped) == (2, 1)
    await model.ends()
    assert await caller == "done"
    await model.clock.passes()
    assert model.n_started == 2
    assert model.n_most == 1


async def test_a_request_for_what_the_background_makes_joins_it() -> None:
    model = Model("next")
    model.scheduler.when_idle(lambda: model.job(spot("x")), 1.0)
    await settled()
    await model.clock.passes()
    caller = await model.ask(spot("xn"), 1.0)
    await model.ends()
    assert await caller == "ext"
    assert model.n_started == 1


async def test_when_what_was_joined_yields_it_is_begun_again() -> None:
    model = Model("next")
    is_wanted_elsewhere = asyncio.Event()

    async def yields(_hear: Hear) -> None:
        await is_wanted_elsewhere.wait()
        raise EngineYielded("another editor wants it")

    model.scheduler.when_idle(lambda: Job(spot("x"), spot("x"), yields), 1.0)
    await settled()
    await model.clock.passes()
    caller = await model.ask(spot("xn"))
    assert model.n_started == 0
    is_wanted_elsewhere.set()
    await settled()
    assert model.n_started == 1
    await model.ends()
    assert await caller == "next"


async def test_known_answers_let_the_background_go_on() -> None:
    model = Model()
    model.cache.keep(spot("q"), [Completion("known")])
    model.scheduler.when_idle(lambda: model.job(spot("x")), 1.0)
    await settled()
    await model.clock.passes()
    assert await (await model.ask(spot("q"))) == "known"
    assert (model.n_started, model.n_stopped) == (1, 0)


async def test_200_requests_at_typing_speed_run_one_generation_at_a_time() -> None:
    model = Model("never what is typed")
    for n in range(200):
        await model.ask(spot("x" * n), 0.04)
        if n % 3 == 0:
            await model.clock.passes()
    await model.clock.passes()
    await model.ends()
    await model.ends()
    answers = await asyncio.gather(*model.tasks)
    assert answers == [None] * 199 + ["never what is typed"]
    assert model.n_most == 1
