"""From the question to the answer, with an engine that says what it is told to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window, families
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Cursor, Document, Limits, Prompt, Text
from starcoder_lsp.settings.resolve import Layer, Settings, resolve
from starcoder_lsp.suggesting.ask import Ask, Suggestion
from starcoder_lsp.suggesting.battery import Power
from starcoder_lsp.suggesting.suggester import Suggester


def settings(**values: object) -> Settings:
    return resolve([Layer("test", {"debounce_ms": 0, **values})]).settings


class Session:
    """One editor, one document, and what the model was asked."""

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
    """The text after the cursor as the model reads it."""
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


async def test_a_bracket_that_stands_there_already_is_not_suggested() -> None:
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


async def test_what_the_editor_closed_is_left_out_of_the_prompt() -> None:
    session = Session("1", "\n")
    await session.at("x = █\nbelow = 1\n")
    await session.at('x = f(["█"])\nbelow = 1\n')
    first, second = session.engine.prompts
    assert suffix_of(first) == suffix_of(second) == "\nbelow = 1\n"


async def test_another_file_is_another_question() -> None:
    session = Session()
    await session.at("x = █", "a")
    await session.at("x = █", "b")
    assert session.n_asked == 2


async def test_a_rejected_suggestion_comes_only_when_asked_for() -> None:
    session = Session("value", "\n")
    ask = session.ask_at("x = █")
    await session.suggester.suggest(ask)
    session.suggester.cache.reject(session.suggester.spot(ask), "value")
    assert await session.at("x = █") == []
    explicit = replace(ask, is_explicit=True)
    assert texts(await session.suggester.suggest(explicit)) == ["value"]


async def test_what_was_turned_down_costs_the_model_nothing_more() -> None:
    session = Session("value", "\n")
    ask = session.ask_at("x = █\n")
    await session.suggester.suggest(ask)
    session.suggester.cache.reject(session.suggester.spot(ask), "value")
    for picture in ("x = █\n", "x = v█\n", "x = va█\n"):
        assert await session.at(picture) == []
        assert "turned down" in session.suggester.trace.decision
    assert session.n_asked == 1
    assert await session.at("x = w█\n") == ["value"]


async def test_what_was_turned_down_does_not_come_back_beside_a_bracket() -> None:
    session = Session("(a, b)", "\n")
    ask = session.ask_at("f█\n")
    await session.suggester.suggest(ask)
    session.suggester.cache.reject(session.suggester.spot(ask), "(a, b)")
    session.engine._script = ["c", "\n"]
    assert await session.at("f(█)\n") == ["c"]


async def test_what_is_known_and_wanted_stays_where_nothing_is_asked() -> None:
    session = Session("f(1);", "\n")
    await session.at("x = █\n")
    ask = session.ask_at("x = f(█\n")
    assert texts(session.suggester.peek(ask)) == ["1);"]
    assert "suggested: '1);'" in str(session.suggester.trace)
    session.suggester.cache.reject(session.suggester.spot(ask), "1);")
    assert texts(session.suggester.peek(ask)) == []


async def test_nothing_is_an_answer_that_is_known_too() -> None:
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


async def test_nothing_for_want_of_time_is_asked_again() -> None:
    session = Session("")
    session.engine.finish_reason = "time"
    assert await session.at("x = 1█\n") == []
    assert await session.at("x = 1█\n") == []
    assert session.n_asked == 2


async def test_asking_gives_several_suggestions_and_keeps_them() -> None:
    session = Session("one", "\n")
    session.engine.alternatives = ["two\n", "one\n", "three\n"]
    ask = replace(session.ask_at("x = █"), is_explicit=True, n_wanted=3)
    assert texts(await session.suggester.suggest(ask)) == ["one", "two", "three"]
    n_asked = session.n_asked
    assert await session.at("x = t█") == ["wo", "hree"]
    assert session.n_asked == n_asked


async def test_after_a_rest_the_model_works_on_what_follows_accepting() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.engine._script = ["", "y = 2", "\n"]
    await session.rests()
    n_asked = session.n_asked
    assert n_asked > 1
    assert await session.at("x = value█\n")
    assert session.n_asked == n_asked


async def test_work_ahead_waits_longer_for_who_types_past_suggestions() -> None:
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


async def test_who_asks_gets_all_of_it_after_an_accept_too() -> None:
    session = Session("if x:", "\n")
    await session.at("█\n")
    session.engine._script = ["\n    a = 1\n", "    b = 2\n", "c"]
    ask = replace(session.ask_at("if x:█\n"), is_explicit=True)
    found = texts(await session.suggester.suggest(ask))
    assert found == ["\n    a = 1\n    b = 2"]


async def test_work_ahead_does_not_read_what_the_editor_closed() -> None:
    session = Session("x", "\n")
    await session.at("f█\nbelow = 1\n")
    await session.at("f(█)\nbelow = 1\n")
    session.engine._script = [", y", "\n"]
    n_asked = session.n_asked
    await session.rests()
    assert suffix_of(session.engine.prompts[n_asked]) == "\nbelow = 1\n"
    assert await session.at("f(x█)\nbelow = 1\n") == [", y"]
    assert session.n_asked == n_asked + 1


async def test_work_ahead_that_was_stopped_is_done_after_the_next_rest() -> None:
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


async def test_of_a_closed_document_no_text_is_remembered() -> None:
    session = Session("value", "\n")
    ask = session.ask_at("secret = █\n")
    await session.suggester.suggest(ask)
    session.suggester.forget("a")
    assert session.suggester._traces == {}


@pytest.mark.parametrize(
    ("battery", "speculate", "is_begun"),
    [
        (False, "auto", True),
        (True, "auto", False),
        (True, "always", True),
        (False, "never", False),
    ],
)
async def test_nothing_is_done_ahead_on_battery_or_against_the_users_wish(
    battery: bool, speculate: str, is_begun: bool
) -> None:
    session = Session(battery=battery, speculate=speculate)
    await session.at("x = █\n")
    await session.rests()
    assert (session.n_asked > 1) == is_begun
    assert {limits.reads_on for limits in session.engine.limits} == {is_begun}


async def test_only_work_that_nobody_waits_for_yields() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    await session.rests()
    session.suggester.warm_up(session.ask_at("y = █\n"))
    await session.rests()
    asked, *ahead = [limits.yields for limits in session.engine.limits]
    assert not asked
    assert len(ahead) > 1
    assert all(ahead)


async def test_a_warm_up_only_reads_the_prompt() -> None:
    session = Session()
    session.suggester.warm_up(session.ask_at("x = █\n"))
    await session.rests()
    assert [limits.max_tokens for limits in session.engine.limits] == [0]


async def test_what_was_just_read_is_not_read_again_in_place_of_work_ahead() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.suggester.warm_up(session.ask_at("x = █\n"))
    await session.rests()
    assert 0 not in [limits.max_tokens for limits in session.engine.limits]
    assert session.n_asked > 1


async def test_the_trace_tells_where_an_answer_came_from() -> None:
    session = Session("value", "\n")
    await session.at("x = █")
    assert "raw text: 'value\\n'" in str(session.suggester.trace)
    assert "suggested: 'value'" in str(session.suggester.trace)
    await session.at("x = v█")
    told = str(session.suggester.trace)
    assert "known already" in told
    assert "suggested: 'alue'" in told


async def test_the_trace_tells_of_work_done_ahead_too() -> None:
    session = Session("value", "\n")
    await session.at("x = █\n")
    session.engine._script = [" + 1", "\n"]
    await session.rests()
    assert await session.at("x = value█\n") == [" + 1"]
    told = str(session.suggester.trace)
    assert "known already" in told
    assert "raw text: ' + 1" in told


async def test_the_trace_tells_of_work_that_somebody_else_has_begun() -> None:
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
