"""Requests and answers, with a scripted engine."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace
from typing import Literal

import pytest

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window, families
from starcoder_lsp.context import Edit
from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Completion, Cursor, Document, Limits, Prompt, Text, Usage
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import Layer, resolve
from starcoder_lsp.suggesting.ask import Ask, Suggestion
from starcoder_lsp.suggesting.battery import Power
from starcoder_lsp.suggesting.cost import CostEstimator
from starcoder_lsp.suggesting.debounce import BATTERY_FACTOR, GAPS_AT_PAUSE
from starcoder_lsp.suggesting.speculation import PAUSES_PER_COST
from starcoder_lsp.suggesting.suggester import Suggester


def settings(**values: object) -> Settings:
    return resolve([Layer("test", {"debounce_ms": 0, **values})]).settings


class Session:
    """One editor with one document, and a scripted engine."""

    def __init__(self, *pieces: str, battery: bool = False, **values: object) -> None:
        self.engine = ScriptedEngine(pieces or ["1", "\n"])
        self.settings = settings(**values)
        self.rested = asyncio.Event()
        self.rests_s: list[float] = []
        self.now_s = 100.0
        self.suggester = Suggester(
            sleep=self._sleep,
            clock=lambda: self.now_s,
            power=Power(lambda: battery, lambda: 100.0),
        )

    async def _sleep(self, seconds: float) -> None:
        self.rests_s.append(seconds)
        await self.rested.wait()

    def ask_at(self, picture: str, uri: str = "a") -> Ask:
        marked = Cursor.marked(picture)
        document = Document(marked.document.text, uri, "python")
        completer = Completer(
            self.engine, families()["starcoder2"], Window(1000, 1000), Limits()
        )
        cursor = Cursor(document, marked.offset)
        return Ask(cursor, completer, self.settings, waits=False)

    async def at(self, picture: str, uri: str = "a") -> list[str]:
        return texts(await self.suggester.suggest(self.ask_at(picture, uri)))

    async def waits_at(self, picture: str) -> float:
        """Return the delay of a debounced request, in seconds."""
        waiting = replace(self.ask_at(picture), waits=True)
        answer = asyncio.create_task(self.suggester.suggest(waiting))
        await self.rests()
        await answer
        return self.suggester.trace.delay_s

    async def rests(self) -> None:
        self.rested.set()
        for _ in range(50):
            await asyncio.sleep(0)
        self.rested.clear()

    async def until_asked(self, n_asked: int) -> None:
        async with asyncio.timeout(5):
            while self.n_asked < n_asked:
                await asyncio.sleep(0)

    @property
    def n_asked(self) -> int:
        return len(self.engine.prompts)


def texts(suggestion: Suggestion | None) -> list[str]:
    assert suggestion is not None
    return [one.text for one in suggestion.completions if one.text]


def suffix_of(prompt: Prompt) -> str:
    """Return the suffix that the model reads."""
    written = [part.text for part in prompt.segments if isinstance(part, Text)]
    return written[0]


async def test_typing_through_a_suggestion_asks_the_model_once() -> None:
    session = Session("value", "\n")
    assert await session.at("x = █\n") == ["value"]
    for typed, rest in (("v", "alue"), ("va", "lue"), ("valu", "e")):
        assert await session.at(f"x = {typed}█\n") == [rest]
    assert session.n_asked == 1


# So fast that a request costs less than the gap between two keys.
FAST = Speed(prefill_tokens_per_s=100_000, decode_tokens_per_s=1e9)


async def test_the_delay_grows_with_the_text_that_the_kv_cache_lacks() -> None:
    session = Session("", "\n", speculate="never")
    session.engine.speed = FAST

    def wait_s(n_characters: int) -> object:
        return pytest.approx(CostEstimator().cost_s(n_characters, FAST) * GAPS_AT_PAUSE)

    # The whole window of text below, and what stands above.
    assert await session.waits_at("x = █\n") == wait_s(1000 + len("x = "))
    assert session.rests_s[0] == wait_s(1000 + len("x = "))
    assert await session.waits_at("x = (█\n") == wait_s(1)
    assert await session.waits_at("x = █\n\n") == wait_s(1000 + len("x = "))
    assert await session.waits_at("y █\n\n") == wait_s(1000 + len("y "))
    long = "x = (1)\n" * 500
    assert await session.waits_at(f"{long}█\n") == wait_s(1000 + 1000)


async def test_on_battery_the_delay_is_longer() -> None:
    usual, sparing = Session(), Session(battery=True)
    for session in (usual, sparing):
        session.engine.speed = FAST
    wait_s = await usual.waits_at("x = █\n")
    assert await sparing.waits_at("x = █\n") == pytest.approx(wait_s * BATTERY_FACTOR)


async def test_a_request_that_may_not_wait_is_not_debounced() -> None:
    session = Session()
    session.engine.speed = FAST
    await session.at("x = █\n")
    assert session.suggester.trace.delay_s == 0


async def test_the_debouncer_measures_the_gap_between_keys() -> None:
    session = Session()
    session.suggester.note_key()
    session.now_s += 0.25
    session.suggester.note_key()
    assert session.suggester._debouncer.gap_s == 0.25


async def test_a_bracket_closed_by_the_editor_keeps_the_suggestion() -> None:
    session = Session("(a, b)", "\n")
    assert await session.at("f█\n") == ["(a, b)"]
    assert await session.at("f(█)\n") == ["a, b"]
    assert await session.at("f(a█)\n") == [", b"]
    assert session.n_asked == 1


async def test_a_bracket_that_the_document_already_has_is_not_suggested() -> None:
    session = Session("(a)", "\n")
    assert await session.at("f█\n") == ["(a)"]
    session.engine._script = ["", "\n"]
    assert await session.at("f(a█)\n") == []


async def test_a_longer_suggestion_does_not_wait_for_the_usual_one() -> None:
    session = Session("value", "\n")
    session.engine.gate = asyncio.Event()
    ask = session.ask_at("x = █")
    usual = asyncio.create_task(session.suggester.suggest(ask))
    await session.until_asked(1)
    older = session.suggester.trace
    more = asyncio.create_task(session.suggester.suggest(replace(ask, is_more=True)))
    await session.until_asked(2)
    session.engine.gate.set()
    assert await usual is None
    assert older.decision == "a newer request took its place"
    assert texts(await more) == ["value"]
    again = replace(ask, is_more=True)
    assert texts(await session.suggester.suggest(again)) == ["value"]
    assert session.n_asked == 3


async def test_inserted_closers_are_left_out_of_the_prompt() -> None:
    session = Session("1", "\n")
    await session.at("x = █\nbelow = 1\n")
    await session.at('x = f(["█"])\nbelow = 1\n')
    first, second = session.engine.prompts
    assert suffix_of(first) == suffix_of(second) == "\nbelow = 1\n"
    told = str(session.suggester.trace)
    assert "not in the prompt: '\"])', from the editor" in told


async def test_inserted_closers_are_left_out_of_the_prompt_for_alternatives_too() -> (
    None
):
    session = Session("1", "\n")
    await session.at("x = █\nbelow = 1\n")
    assert "not in the prompt" not in str(session.suggester.trace)
    closed = session.ask_at("x = f(█)\nbelow = 1\n")
    several = replace(closed, is_explicit=True, n_wanted=2)
    await session.suggester.suggest(several)
    suffixes = [suffix_of(prompt) for prompt in session.engine.prompts]
    assert suffixes == ["\nbelow = 1\n"] * 3
    assert "raw text: '1\\n'" in str(session.suggester.trace)


async def test_cached_alternatives_are_found_beside_inserted_closers_too() -> None:
    session = Session("(a)", "\n")
    session.engine.alternatives = ["(b)\n"]
    for picture in ("f█\n", "f(█)\n", "f(█)\n"):
        ask = replace(session.ask_at(picture), is_explicit=True, n_wanted=2)
        found = texts(await session.suggester.suggest(ask))
    assert found == ["a", "b"]
    assert session.n_asked == 2


async def test_the_edits_tell_what_a_suggestion_may_replace_in_a_comment_too() -> None:
    session = Session("x) says it", "\n")
    session.suggester.note_edits("a", [Edit(12, 12, "()")])
    ask = session.ask_at("# here print(█)\n")
    style = replace(ask.completer.style, can_replace=True)
    ask = replace(ask, completer=replace(ask.completer, style=style))
    suggestion = await session.suggester.suggest(ask)
    assert suggestion is not None
    (shown,) = suggestion.completions
    assert (shown.text, shown.n_replaced) == ("x) says it", 1)
    assert suffix_of(session.engine.prompts[0]) == "\n"


async def test_another_file_is_another_request() -> None:
    session = Session()
    await session.at("x = █", "a")
    await session.at("x = █", "b")
    assert session.n_asked == 2


async def test_a_rejected_suggestion_returns_only_after_an_explicit_request() -> None:
    session = Session("value", "\n")
    ask = session.ask_at("x = █")
    await session.suggester.suggest(ask)
    session.suggester.cache.reject(session.suggester.key(ask), "value")
    assert await session.at("x = █") == []
    explicit = replace(ask, is_explicit=True)
    assert texts(await session.suggester.suggest(explicit)) == ["value"]


async def test_a_rejected_suggestion_is_not_generated_again() -> None:
    session = Session("value", "\n")
    ask = session.ask_at("x = █\n")
    await session.suggester.suggest(ask)
    session.suggester.cache.reject(session.suggester.key(ask), "value")
    for picture in ("x = █\n", "x = v█\n", "x = va█\n"):
        assert await session.at(picture) == []
        told = session.suggester.trace.decision
        assert told == "you have rejected the suggestion for this place"
    assert session.n_asked == 1
    assert await session.at("x = w█\n") == ["value"]


async def test_a_rejected_suggestion_does_not_return_beside_an_inserted_bracket() -> (
    None
):
    session = Session("(a, b)", "\n")
    ask = session.ask_at("f█\n")
    await session.suggester.suggest(ask)
    session.suggester.cache.reject(session.suggester.key(ask), "(a, b)")
    session.engine._script = ["c", "\n"]
    assert await session.at("f(█)\n") == ["c"]


async def test_peek_returns_known_suggestions_that_were_not_rejected() -> None:
    session = Session("f(1);", "\n")
    await session.at("x = █\n")
    ask = session.ask_at("x = f(█\n")
    assert texts(session.suggester.peek(ask)) == ["1);"]
    assert "suggested: '1);'" in str(session.suggester.trace)
    session.suggester.cache.reject(session.suggester.key(ask), "1);")
    assert texts(session.suggester.peek(ask)) == []


async def test_an_empty_answer_is_cached_until_an_explicit_request() -> None:
    session = Session("", "\n")
    assert await session.at("x = 1█\n") == []
    assert await session.at("x = 1█\n") == []
    assert session.n_asked == 1
    assert "known already" in session.suggester.trace.decision
    session.engine._script = [" + 2", "\n"]
    explicit = replace(session.ask_at("x = 1█\n"), is_explicit=True)
    assert texts(await session.suggester.suggest(explicit)) == [" + 2"]
    assert await session.at("x = 1█\n") == [" + 2"]
    assert session.n_asked == 2


async def test_an_empty_answer_for_want_of_time_is_not_cached() -> None:
    session = Session("")
    session.engine.finish_reason = "time"
    assert await session.at("x = 1█\n") == []
    assert await session.at("x = 1█\n") == []
    assert session.n_asked == 2


async def test_an_explicit_request_caches_all_its_alternatives() -> None:
    session = Session("one", "\n")
    session.engine.alternatives = ["two\n", "one\n", "three\n"]
    ask = replace(session.ask_at("x = █"), is_explicit=True, n_wanted=3)
    assert texts(await session.suggester.suggest(ask)) == ["one", "two", "three"]
    n_asked = session.n_asked
    assert await session.at("x = t█") == ["wo", "hree"]
    assert session.n_asked == n_asked


async def test_a_generation_that_differs_from_the_typed_text_is_stopped() -> None:
    """The second request need not wait for the first one to end."""
    session = Session("value", "s", "\n")
    session.engine.gate = pieces = Turnstile()
    first = asyncio.create_task(session.suggester.suggest(session.ask_at("x = █")))
    pieces.passes(1)
    await session.until_asked(1)
    second = asyncio.create_task(session.suggester.suggest(session.ask_at("x = o█")))
    await session.until_asked(2)
    assert session.engine.n_closed == 1
    assert await first is None
    pieces.passes(9)
    assert texts(await second) == ["values"]


class Turnstile(asyncio.Event):
    """A gate that lets a given number of pieces pass."""

    def __init__(self) -> None:
        super().__init__()
        self._left = asyncio.Semaphore(0)

    def passes(self, n_pieces: int) -> None:
        for _ in range(n_pieces):
            self._left.release()

    async def wait(self) -> Literal[True]:
        return await self._left.acquire()


async def test_a_cached_suggestion_costs_no_tokens() -> None:
    session = Session("value", "\n")
    first = await session.suggester.suggest(session.ask_at("x = █\n"))
    again = await session.suggester.suggest(session.ask_at("x = █\n"))
    assert first is not None
    assert again is not None
    assert (first.is_known, again.is_known) == (False, True)
    assert first.completions[0].usage.generated_tokens == 2
    assert again.completions[0].usage == Usage(finish_reason="stop")


async def test_work_ahead_starts_after_a_pause_of_its_cost() -> None:
    session = Session("value", "\n")
    session.engine.speed = Speed(prefill_tokens_per_s=1e9, decode_tokens_per_s=12)
    await session.at("x = █\n")
    await asyncio.sleep(0)
    assert session.rests_s == [pytest.approx(PAUSES_PER_COST * 1.0)]


async def test_a_cached_suggestion_is_not_made_ahead_again() -> None:
    session = Session(" + 1", "\n")
    await session.at("x = value█\n")
    session.engine._script = ["value", "\n"]
    await session.at("x = █\n")
    n_asked = session.n_asked
    await session.rests()
    assert session.n_asked == n_asked


async def test_a_request_after_an_accept_joins_the_work_ahead() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.engine._script = [" + 1", "\n"]
    session.engine.gate = asyncio.Event()
    await session.rests()
    answer = asyncio.create_task(
        session.suggester.suggest(session.ask_at("x = value█\n"))
    )
    for _ in range(20):
        await asyncio.sleep(0)
    session.engine.gate.set()
    assert texts(await answer) == [" + 1"]
    assert session.n_asked == 2
    assert "raw text: ' + 1" in str(session.suggester.trace)
    assert session.suggester._costs._read["a"].prefix == "x = value"


async def test_an_explicit_request_does_not_join_short_work_ahead() -> None:
    session = Session("if x:", "\n")
    await session.at("█\n")
    session.engine._script = ["\n    a = 1\n", "    b = 2\n", "c"]
    session.engine.gate = asyncio.Event()
    await session.rests()
    explicit = replace(session.ask_at("if x:█\n"), is_explicit=True)
    answer = asyncio.create_task(session.suggester.suggest(explicit))
    await session.until_asked(3)
    session.engine.gate.set()
    assert texts(await answer) == ["\n    a = 1\n    b = 2"]


async def test_work_ahead_that_had_no_time_is_not_repeated() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.engine._script, session.engine.finish_reason = [""], "time"
    await session.rests()
    n_asked = session.n_asked
    assert n_asked > 1
    await session.at("x = █\n")
    await session.rests()
    assert session.n_asked == n_asked


async def test_closing_a_document_stops_its_work_ahead() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.engine.gate = asyncio.Event()
    await session.rests()
    assert (session.n_asked, session.engine.n_closed) == (2, 1)
    session.suggester.forget("a")
    await session.rests()
    assert session.engine.n_closed == 2


async def test_work_ahead_after_an_explicit_request_is_for_automatic_ones() -> None:
    session = Session("if x:", "\n")
    ask = replace(session.ask_at("█\n"), is_explicit=True, n_wanted=2)
    assert texts(await session.suggester.suggest(ask)) == ["if x:"]
    session.engine._script = ["\n    a = 1\n", "    b = 2\n", "c"]
    await session.rests()
    n_asked = session.n_asked
    assert await session.at("if x:█\n") == ["\n    a = 1"]
    assert session.n_asked == n_asked
    explicit = replace(session.ask_at("if x:█\n"), is_explicit=True, n_wanted=2)
    await session.suggester.suggest(explicit)
    assert session.n_asked > n_asked


async def test_the_first_suggestion_is_not_cut_to_one_line() -> None:
    session = Session("\n    a = 1\n", "    b = 2\n", "c")
    assert await session.at("if y:█\n") == ["\n    a = 1\n    b = 2"]


@pytest.mark.parametrize(
    ("picture", "uri", "miss_factor"),
    [
        ("x = y█\n", "a", 1.5),
        ("x = va█\n", "a", 1.0),
        ("x = value + 1█\n", "a", 1.0),
        ("x = █\n", "a", 1.0),
        ("x █\n", "a", 1.0),
        ("y = 12█\n", "a", 1.0),
        ("x = y█\n", "b", 1.0),
    ],
)
async def test_only_other_text_typed_after_a_suggestion_is_a_miss(
    picture: str, uri: str, miss_factor: float
) -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    await session.at(picture, uri)
    assert session.suggester._debouncer.miss_factor == miss_factor


async def test_a_followed_suggestion_resets_the_misses() -> None:
    session = Session("value", "\n")
    for picture in ("x = █\n", "x = y█\n", "x = yvalue█\n"):
        await session.at(picture)
    assert session.suggester._debouncer.miss_factor == 1.0


async def test_after_a_pause_the_model_writes_the_suggestion_after_this_one() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.engine._script = ["", "y = 2", "\n"]
    await session.rests()
    n_asked = session.n_asked
    assert n_asked > 1
    assert await session.at("x = value█\n")
    assert session.n_asked == n_asked


async def test_work_ahead_waits_longer_after_ignored_suggestions() -> None:
    session = Session("value", "\n")
    for picture in ("x = █\n", "x = y█\n", "x = yz█\n"):
        await session.at(picture)
        await asyncio.sleep(0)
    first, second, third = session.rests_s
    assert first < second < third


async def test_right_after_an_accepted_suggestion_one_line_is_enough() -> None:
    session = Session("if x:", "\n")
    assert await session.at("█\n") == ["if x:"]
    session.engine._script = ["\n    a = 1\n", "    b = 2\n", "c"]
    assert await session.at("if x:█\n") == ["\n    a = 1"]
    assert await session.at("if y:█\n") == ["\n    a = 1\n    b = 2"]


async def test_an_explicit_request_gets_the_whole_block_right_after_an_accept() -> None:
    session = Session("if x:", "\n")
    await session.at("█\n")
    session.engine._script = ["\n    a = 1\n", "    b = 2\n", "c"]
    ask = replace(session.ask_at("if x:█\n"), is_explicit=True)
    found = texts(await session.suggester.suggest(ask))
    assert found == ["\n    a = 1\n    b = 2"]


BLOCK = ["\n    a = 1\n", "    b = 2\n", "c"]
WHOLE_BLOCK = ["\n    a = 1\n    b = 2"]


async def test_an_explicit_request_gets_the_whole_block_although_a_line_is_cached() -> (
    None
):
    session = Session("if x:", "\n")
    await session.at("█\n")
    session.engine._script = BLOCK
    assert await session.at("if x:█\n") == ["\n    a = 1"]
    explicit = replace(session.ask_at("if x:█\n"), is_explicit=True)
    assert texts(await session.suggester.suggest(explicit)) == WHOLE_BLOCK
    assert await session.at("if x:█\n") == WHOLE_BLOCK
    assert session.n_asked == 3


async def test_an_explicit_request_gets_the_whole_block_although_work_ahead_made_a_line() -> (
    None
):
    session = Session("if x:", "\n")
    await session.at("█\n")
    session.engine._script = BLOCK
    await session.rests()
    explicit = replace(session.ask_at("if x:█\n"), is_explicit=True)
    assert texts(await session.suggester.suggest(explicit)) == WHOLE_BLOCK


async def test_an_explicit_request_does_not_join_work_that_stops_after_one_line() -> (
    None
):
    session = Session("if x:", "\n")
    await session.at("█\n")
    session.engine._script, session.engine.gate = BLOCK, asyncio.Event()
    ask = session.ask_at("if x:█\n")
    line = asyncio.create_task(session.suggester.suggest(ask))
    await session.until_asked(2)
    explicit = replace(ask, is_explicit=True)
    block = asyncio.create_task(session.suggester.suggest(explicit))
    await session.until_asked(3)
    session.engine.gate.set()
    assert await line is None
    assert texts(await block) == WHOLE_BLOCK


async def test_work_ahead_does_not_read_inserted_closers() -> None:
    session = Session("x", "\n")
    await session.at("f█\nbelow = 1\n")
    await session.at("f(█)\nbelow = 1\n")
    session.engine._script = [", y", "\n"]
    n_asked = session.n_asked
    await session.rests()
    assert suffix_of(session.engine.prompts[n_asked]) == "\nbelow = 1\n"
    assert await session.at("f(x█)\nbelow = 1\n") == [", y"]
    assert session.n_asked == n_asked + 1


async def test_work_ahead_that_was_stopped_is_done_after_the_next_pause() -> None:
    session = Session("value", "\n")
    session.engine.alternatives = ["other"]
    await session.at("x = █\n")
    session.engine.gate = asyncio.Event()
    await session.rests()
    explicit = replace(session.ask_at("x = █\n"), is_explicit=True, n_wanted=2)
    answer = asyncio.create_task(session.suggester.suggest(explicit))
    await session.rests()
    session.engine.gate.set()
    assert texts(await answer) == ["value", "other"]
    await session.rests()
    n_asked = session.n_asked
    assert await session.at("x = value█\n") == ["value"]
    assert session.n_asked == n_asked


async def test_no_text_of_a_closed_document_is_remembered() -> None:
    session = Session("value", "\n")
    ask = session.ask_at("secret = █\n")
    await session.suggester.suggest(ask)
    suggester = session.suggester
    assert (len(suggester._known._traces), len(suggester.cache)) == (1, 1)
    suggester.forget("a")
    suggester.forget("never opened")
    assert (suggester._known._traces, len(suggester.cache)) == ({}, 0)
    assert suggester._costs._read == {}


async def test_closing_a_document_keeps_the_suggestions_of_others() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n", uri="b")
    session.suggester.forget("a")
    assert await session.at("x = v█\n", uri="b") == ["alue"]
    assert "raw text: 'value" in str(session.suggester.trace)


async def test_closing_a_document_forgets_its_inserted_closers() -> None:
    session = Session("1", "\n")
    await session.at("f█\n")
    session.suggester.forget("a")
    await session.at("f(█)\n")
    assert suffix_of(session.engine.prompts[-1]) == ")\n"


async def test_closing_a_document_answers_its_request_with_none() -> None:
    session = Session("value", "\n")
    session.engine.gate = asyncio.Event()
    answer = asyncio.create_task(session.suggester.suggest(session.ask_at("x = █")))
    await session.until_asked(1)
    session.suggester.forget("b")
    await session.rests()
    assert not answer.done()
    session.suggester.forget("a")
    assert await answer is None


@pytest.mark.parametrize(
    ("battery", "speculate", "is_begun"),
    [
        (False, "auto", True),
        (True, "auto", False),
        (True, "always", True),
        (False, "never", False),
    ],
)
async def test_battery_and_settings_decide_about_work_ahead(
    battery: bool, speculate: str, is_begun: bool
) -> None:
    session = Session(battery=battery, speculate=speculate)
    await session.at("x = █\n")
    await session.rests()
    assert (session.n_asked > 1) == is_begun
    assert {limits.reads_on for limits in session.engine.limits} == {is_begun}


async def test_only_background_work_yields() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    await session.rests()
    session.suggester.warm_up(session.ask_at("y = █\n"))
    await session.rests()
    asked, *ahead = [limits.yields for limits in session.engine.limits]
    assert not asked
    assert len(ahead) > 1
    assert all(ahead)


async def test_a_warm_up_only_prefills_the_prompt() -> None:
    session = Session()
    session.suggester.warm_up(session.ask_at("x = █\n"))
    await session.rests()
    assert [limits.max_tokens for limits in session.engine.limits] == [0]


async def test_a_second_warm_up_at_the_same_place_reads_nothing() -> None:
    session = Session()
    for _ in range(2):
        session.suggester.warm_up(session.ask_at("x = █\n"))
        await session.rests()
    assert session.n_asked == 1


async def test_a_warm_up_is_not_planned_while_a_request_runs() -> None:
    session = Session()
    session.engine.gate = asyncio.Event()
    answer = asyncio.create_task(session.suggester.suggest(session.ask_at("x = █\n")))
    await session.until_asked(1)
    session.suggester.warm_up(session.ask_at("y = █\n"))
    await asyncio.sleep(0)
    assert session.rests_s == []
    session.engine.gate.set()
    await answer


async def test_on_battery_no_warm_up_is_planned() -> None:
    session = Session(battery=True)
    session.suggester.warm_up(session.ask_at("x = █\n"))
    await session.rests()
    assert session.n_asked == 0


async def test_a_suggestion_of_closers_alone_does_not_hide_an_older_one() -> None:
    session = Session("", "\n")
    for picture in ("f█\n", "f(█)\n"):
        await session.at(picture)
    session.suggester.cache.forget_suggestions()
    for picture, text in (("f█\n", "([1])"), ("f(█)\n", "[]")):
        keys = session.suggester._keys(session.ask_at(picture))
        session.suggester.cache.keep(keys.exact, [Completion(text)])
    assert await session.at("f([█])\n") == ["1"]
    assert session.n_asked == 2


async def test_a_short_suggestion_is_short_beside_inserted_closers_too() -> None:
    session = Session("1", "\n")
    keys = session.suggester._keys(session.ask_at("f█\n"))
    session.suggester.cache.keep(keys.exact, [Completion("(a)")], is_short=True)
    assert await session.at("f(█)\n") == ["a"]
    assert session.n_asked == 0
    explicit = replace(session.ask_at("f(█)\n"), is_explicit=True)
    assert texts(await session.suggester.suggest(explicit)) == ["1"]


def test_before_the_first_request_the_trace_says_so() -> None:
    assert "decision: nothing was asked yet" in str(Suggester().trace).split("\n")


async def test_a_warm_up_for_the_last_prompt_does_not_replace_work_ahead() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.suggester.warm_up(session.ask_at("x = █\n"))
    await session.rests()
    assert 0 not in [limits.max_tokens for limits in session.engine.limits]
    assert session.n_asked > 1


async def test_the_trace_names_the_source_of_an_answer() -> None:
    session = Session("value", "\n")
    await session.at("x = █")
    assert "raw text: 'value\\n'" in str(session.suggester.trace)
    assert "suggested: 'value'" in str(session.suggester.trace)
    await session.at("x = v█")
    told = str(session.suggester.trace)
    assert told.startswith("request: while typing, python\ndecision: known already")
    assert "raw text: 'value\\n'" in told
    assert "suggested: 'alue'" in told
    explicit = replace(session.ask_at("x = v█"), is_explicit=True)
    for ask in (session.suggester.peek, session.suggester.suggest):
        if (answer := ask(explicit)) and inspect.isawaitable(answer):
            await answer
        told = str(session.suggester.trace)
        assert told.startswith("request: asked for, python\ndecision: known already")


async def test_the_trace_of_work_ahead_is_kept() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.engine._script = [" + 1", "\n"]
    await session.rests()
    assert await session.at("x = value█\n") == [" + 1"]
    told = str(session.suggester.trace)
    assert "known already" in told
    assert "raw text: ' + 1" in told


async def test_a_joined_request_has_the_trace_of_the_one_that_began() -> None:
    session = Session("value", "\n")
    session.engine.gate = asyncio.Event()
    ghost, popup = session.ask_at("x = █"), session.ask_at("x = █")
    first = asyncio.create_task(session.suggester.suggest(ghost))
    await session.until_asked(1)
    joined = replace(popup, channel="popup")
    second = asyncio.create_task(session.suggester.suggest(joined))
    session.engine.gate.set()
    assert texts(await first) == ["value"]
    assert texts(await second) == ["value"]
    assert "raw text: 'value" in str(session.suggester.trace)
    assert session.n_asked == 1
