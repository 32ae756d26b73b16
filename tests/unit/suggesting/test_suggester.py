"""Requests and answers, with a scripted engine."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window, families
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Cursor, Document, Limits, Prompt, Text
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import Layer, resolve
from starcoder_lsp.suggesting.ask import Ask, Suggestion
from starcoder_lsp.suggesting.battery import Power
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
        self.suggester = Suggester(
            sleep=self._sleep, power=Power(lambda: battery, lambda: 100.0)
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
    """The suffix that the model reads."""
    written = [part.text for part in prompt.segments if isinstance(part, Text)]
    return written[0]


async def test_typing_through_a_suggestion_asks_the_model_once() -> None:
    session = Session("value", "\n")
    assert await session.at("x = █\n") == ["value"]
    for typed, rest in (("v", "alue"), ("va", "lue"), ("valu", "e")):
        assert await session.at(f"x = {typed}█\n") == [rest]
    assert session.n_asked == 1


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
    more = asyncio.create_task(session.suggester.suggest(replace(ask, is_more=True)))
    await session.until_asked(2)
    session.engine.gate.set()
    assert await usual is None
    assert texts(await more) == ["value"]


async def test_inserted_closers_are_left_out_of_the_prompt() -> None:
    session = Session("1", "\n")
    await session.at("x = █\nbelow = 1\n")
    await session.at('x = f(["█"])\nbelow = 1\n')
    first, second = session.engine.prompts
    assert suffix_of(first) == suffix_of(second) == "\nbelow = 1\n"


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
        assert "rejected" in session.suggester.trace.decision
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
    session.suggester.forget("a")
    assert session.suggester._known._traces == {}


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
    assert "known already" in told
    assert "suggested: 'alue'" in told


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
    await first
    assert texts(await second) == ["value"]
    assert "raw text: 'value" in str(session.suggester.trace)
    assert session.n_asked == 1
