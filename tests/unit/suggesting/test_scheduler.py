"""One generation runs at a time: requests join it while it agrees, or stop it."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from starcoder_lsp.errors import EngineCrashed, EngineYielded
from starcoder_lsp.flow import Completion
from starcoder_lsp.suggesting.cache import Cache, CacheKey, CacheScope
from starcoder_lsp.suggesting.scheduler import (
    GRACE_S,
    BackgroundJob,
    ForegroundRequest,
    OnText,
    Scheduler,
)


def key(prefix: str, uri: str = "a") -> CacheKey:
    return CacheKey(CacheScope.of(uri, "m", ""), prefix)


class Clock:
    """A clock that a test moves on."""

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
    """A model that writes when a test tells it to, and counts its generations."""

    def __init__(self, text: str = "done") -> None:
        self.text = text
        self.cache = Cache()
        self.clock = Clock()
        self.scheduler = Scheduler(self.clock.sleep)
        self.n_started = self.n_stopped = self.n_running = self.n_most = 0
        self._on_text: OnText = lambda text: None
        self._end = asyncio.Event()
        # A model inside a batch takes so many turns of the loop to stop.
        self.n_turns_to_stop = 0
        self.tasks: list[asyncio.Task[str | None]] = []

    async def _generate(self, where: CacheKey, on_text: OnText) -> str | None:
        self.n_started += 1
        self.n_running += 1
        self.n_most = max(self.n_most, self.n_running)
        self._on_text = on_text
        self._end.clear()
        try:
            await self._end.wait()
        except asyncio.CancelledError:
            self.n_stopped += 1
            for _ in range(self.n_turns_to_stop):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
            raise
        finally:
            self.n_running -= 1
        self.cache.keep(where, [Completion(self.text)])
        return self.text

    def writes(self, so_far: str) -> None:
        self._on_text(so_far)

    async def ends(self) -> None:
        self._end.set()
        await settled()

    def job(self, where: CacheKey | None) -> BackgroundJob:
        return BackgroundJob(
            where, where, lambda on_text: self._generate(where or key("?"), on_text)
        )

    async def ask(
        self,
        where: CacheKey,
        delay_s: float = 0.0,
        channel: str = "inline",
        variant: str = "",
    ) -> asyncio.Task[str | None]:
        def find() -> str | None:
            found = self.cache.find(where)
            return found.completions[0].text if found else None

        request: ForegroundRequest[str | None] = ForegroundRequest(
            channel,
            where,
            where,
            find,
            lambda on_text: self._generate(where, on_text),
            delay_s,
            variant,
        )
        task = asyncio.create_task(self.scheduler.run(request))
        self.tasks.append(task)
        await settled()
        return task


async def test_a_known_answer_needs_no_model() -> None:
    model = Model()
    model.cache.keep(key("x"), [Completion("yz")])
    assert await (await model.ask(key("xy"), 5.0)) == "z"
    assert model.n_started == 0
    assert model.clock.slept == []


async def test_a_newer_request_answers_the_older_with_none_at_once() -> None:
    model = Model()
    older = await model.ask(key("a"))
    newer = await model.ask(key("b"))
    assert await older is None
    assert model.n_stopped == 1
    await model.ends()
    assert await newer == "done"


async def test_the_newest_request_wins_in_any_file() -> None:
    model = Model()
    older = await model.ask(key("a", uri="one"))
    newer = await model.ask(key("a", uri="two"))
    assert await older is None
    await model.ends()
    assert await newer == "done"
    assert model.n_most == 1


async def test_an_older_request_of_another_channel_does_not_stop_the_work_for_a_newer_one() -> (
    None
):
    model = Model()
    older = await model.ask(key("aaa"), delay_s=1.0, channel="inline")
    newer = await model.ask(key("bbb"), channel="popup")
    await model.clock.passes()
    assert (model.n_started, model.n_stopped) == (1, 0)
    assert await older is None
    await model.ends()
    assert await newer == "done"


async def test_a_keystroke_that_agrees_joins_the_running_generation() -> None:
    model = Model("return value")
    older = await model.ask(key("x = "))
    model.writes("ret")
    newer = await model.ask(key("x = re"), 1.0)
    assert await older is None
    await model.ends()
    assert await newer == "turn value"
    assert model.n_started == 1
    assert model.clock.slept == [GRACE_S]


async def test_typing_ahead_of_the_model_waits_for_it() -> None:
    model = Model("return value")
    await model.ask(key(""))
    newer = await model.ask(key("return v"))
    model.writes("return")
    await settled()
    assert model.n_stopped == 0
    await model.ends()
    assert await newer == "alue"


async def test_only_a_different_text_stops_the_generation() -> None:
    model = Model("other")
    await model.ask(key(""))
    newer = await model.ask(key("return v"))
    model.writes("retr")
    await settled()
    assert (model.n_started, model.n_stopped) == (2, 1)
    await model.ends()
    assert await newer == "other"


async def test_a_generation_shorter_than_the_typed_text_is_followed_by_another() -> (
    None
):
    model = Model("ab")
    await model.ask(key(""))
    newer = await model.ask(key("ab"))
    await model.ends()
    assert model.n_started == 2
    await model.ends()
    assert await newer == "ab"


@pytest.mark.parametrize("typed", ["\n\treturn", "\r\n    return"])
async def test_other_line_ends_and_indentation_do_not_stop_a_generation(
    typed: str,
) -> None:
    model = Model("\n    return value")
    await model.ask(key(":"))
    newer = await model.ask(key(f":{typed}"))
    model.writes("\n    re")
    await settled()
    assert (model.n_started, model.n_stopped) == (1, 0)
    await model.ends()
    assert await newer == " value"


async def test_a_request_in_another_document_joins_nothing() -> None:
    model = Model()
    await model.ask(key("x", uri="one"))
    await model.ask(key("x", uri="two"))
    assert model.n_started == 2


async def test_a_cancelled_request_leaves_a_moment_to_join_its_work() -> None:
    model = Model("value")
    older = await model.ask(key("x = "))
    older.cancel()
    await settled()
    assert model.n_stopped == 0
    newer = await model.ask(key("x = v"), 1.0)
    await model.clock.passes()
    assert model.n_stopped == 0
    await model.ends()
    assert await newer == "alue"
    with pytest.raises(asyncio.CancelledError):
        await older


async def test_after_that_moment_the_model_is_stopped() -> None:
    model = Model()
    (await model.ask(key(""))).cancel()
    await settled()
    await model.clock.passes()
    assert model.n_stopped == 1
    assert model.scheduler.is_idle
    assert model.scheduler._graces == set()


async def test_a_generation_that_is_stopping_is_not_joined() -> None:
    model = Model("value")
    older = await model.ask(key("x = "))
    model.n_turns_to_stop = 9
    model.scheduler.cancel("a")
    assert await older is None
    newer = await model.ask(key("x = v"))
    assert (model.n_started, model.n_stopped) == (2, 1)
    await model.ends()
    assert await newer == "value"
    assert model.n_most == 1


async def test_a_request_superseded_while_it_waits_never_starts() -> None:
    model = Model()
    older = await model.ask(key("a"), 0.3)
    newer = await model.ask(key("ab"), 0.2)
    assert await older is None
    assert model.n_started == 0
    await model.clock.passes()
    await model.ends()
    assert await newer == "done"
    assert model.clock.slept[:2] == [0.3, 0.2]


async def test_two_channels_at_one_place_share_a_generation() -> None:
    model = Model()
    ghost = await model.ask(key("a"))
    popup = await model.ask(key("a"), channel="popup")
    await model.ends()
    assert (await ghost, await popup) == ("done", "done")
    assert model.n_started == 1


@pytest.mark.parametrize("under_way", ["", "more"])
async def test_alternatives_need_a_generation_of_their_own(under_way: str) -> None:
    model = Model()
    older = await model.ask(key("a"), variant=under_way)
    newer = await model.ask(key("a"), variant="all")
    assert await older is None
    assert model.n_started == 2
    await model.ends()
    assert await newer == "done"


@pytest.mark.parametrize(("place", "n_started"), [("a", 1), ("ad", 2)])
async def test_alternatives_are_shared_only_at_the_same_place(
    place: str, n_started: int
) -> None:
    model = Model()
    await model.ask(key("a"), variant="all")
    newer = await model.ask(key(place), variant="all", channel="popup")
    assert model.n_started == n_started
    await model.ends()
    assert await newer == "done"


async def test_an_error_of_the_work_reaches_all_requests_that_wait_for_it() -> None:
    async def fail(on_text: OnText) -> str:
        await settled()
        raise EngineCrashed("no")

    scheduler = Scheduler()
    callers = [
        asyncio.create_task(
            scheduler.run(
                ForegroundRequest(channel, key("a"), key("a"), lambda: None, fail)
            )
        )
        for channel in ("inline", "popup")
    ]
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [EngineCrashed, EngineCrashed]


async def test_closing_a_document_answers_its_requests_with_none() -> None:
    model = Model()
    caller = await model.ask(key("a"))
    model.scheduler.cancel("b")
    await settled()
    assert not caller.done()
    model.scheduler.cancel("a")
    assert await caller is None
    await settled()
    assert model.n_stopped == 1


async def test_closing_a_document_answers_debounced_requests_too() -> None:
    model = Model()
    callers = [await model.ask(key("a"), 0.3, channel) for channel in ("b", "c")]
    model.scheduler.cancel("a")
    assert await asyncio.gather(*callers) == [None, None]
    last = await model.ask(key("a"), 0.3)
    model.scheduler.cancel_all()
    assert await last is None
    assert model.n_started == 0


async def test_closing_a_document_drops_the_planned_job() -> None:
    model = Model()
    model.scheduler.when_idle(lambda: model.job(key("a")), 1.0)
    await settled()
    model.scheduler.cancel("a")
    await model.clock.passes()
    assert model.n_started == 0


async def test_cancel_all_answers_all_requests_with_none() -> None:
    model = Model()
    callers = [await model.ask(key("a"), channel=channel) for channel in "abc"]
    model.scheduler.cancel_all()
    assert await asyncio.gather(*callers) == [None, None, None]


async def test_a_background_job_waits_for_a_pause() -> None:
    model = Model()
    model.scheduler.when_idle(lambda: model.job(None), 1.0)
    await settled()
    assert model.clock.slept == [1.0]
    assert model.n_started == 0
    await model.clock.passes()
    assert model.n_started == 1
    await model.ends()
    assert model.scheduler.is_idle


async def test_a_newer_plan_replaces_the_older() -> None:
    model = Model()
    model.scheduler.when_idle(lambda: model.job(key("x")), 1.0)
    await settled()
    model.scheduler.when_idle(lambda: None, 1.0)
    await settled()
    await model.clock.passes()
    assert model.n_started == 0


async def test_a_newer_job_waits_for_a_running_one() -> None:
    model = Model()
    for name in "xy":
        model.scheduler.when_idle(lambda name=name: model.job(key(name)), 1.0)  # type: ignore[misc]  # bound now
        await settled()
        await model.clock.passes()
        assert model.n_started == 1
    await model.ends()
    assert (model.n_started, model.n_stopped, model.n_most) == (2, 0, 1)
    await model.ends()
    assert model.scheduler.is_idle


async def test_a_request_stops_the_background_job_at_once() -> None:
    model = Model()
    model.scheduler.when_idle(lambda: model.job(key("x")), 1.0)
    await settled()
    await model.clock.passes()
    caller = await model.ask(key("z"))
    assert (model.n_started, model.n_stopped) == (2, 1)
    await model.ends()
    assert await caller == "done"
    await model.clock.passes()
    assert model.n_started == 2
    assert model.n_most == 1


async def test_a_request_that_agrees_joins_the_background_job() -> None:
    model = Model("next")
    model.scheduler.when_idle(lambda: model.job(key("x")), 1.0)
    await settled()
    await model.clock.passes()
    caller = await model.ask(key("xn"), 1.0)
    await model.ends()
    assert await caller == "ext"
    assert model.n_started == 1


async def test_a_joined_job_that_yields_is_started_again() -> None:
    model = Model("next")
    is_wanted_elsewhere = asyncio.Event()

    async def yields(_on_text: OnText) -> None:
        await is_wanted_elsewhere.wait()
        raise EngineYielded("another editor wants it")

    model.scheduler.when_idle(lambda: BackgroundJob(key("x"), key("x"), yields), 1.0)
    await settled()
    await model.clock.passes()
    caller = await model.ask(key("xn"))
    assert model.n_started == 0
    is_wanted_elsewhere.set()
    await settled()
    assert model.n_started == 1
    await model.ends()
    assert await caller == "next"


async def test_a_known_answer_lets_the_background_job_go_on() -> None:
    model = Model()
    model.cache.keep(key("q"), [Completion("known")])
    model.scheduler.when_idle(lambda: model.job(key("x")), 1.0)
    await settled()
    await model.clock.passes()
    assert await (await model.ask(key("q"))) == "known"
    assert (model.n_started, model.n_stopped) == (1, 0)


async def test_200_requests_at_typing_speed_run_one_generation_at_a_time() -> None:
    model = Model("never what is typed")
    for n in range(200):
        await model.ask(key("x" * n), 0.04)
        if n % 3 == 0:
            await model.clock.passes()
    await model.clock.passes()
    await model.ends()
    await model.ends()
    answers = await asyncio.gather(*model.tasks)
    assert answers == [None] * 199 + ["never what is typed"]
    assert model.n_most == 1
