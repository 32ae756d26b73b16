"""Work ahead: the model writes on where an accepted suggestion would end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window, families
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import NO_VERSION, Completion, Cursor, Prompt, Text
from starcoder_lsp.settings.resolve import resolve
from starcoder_lsp.suggesting.speculation import accepted, complete_after_accept


def read(prompt: Prompt) -> str:
    """Return the text before the cursor, as the model reads it."""
    last = prompt.segments[-1]
    assert isinstance(last, Text)
    return last.text


def engine_that_writes(**lines: Sequence[str]) -> ScriptedEngine:
    """An engine with one answer for the same line, and one for the next."""

    def answer(prompt: Prompt) -> Sequence[str]:
        return lines["here" if read(prompt).rstrip(" ").endswith("value") else "below"]

    return ScriptedEngine(answer)


async def after_accept(engine: ScriptedEngine, picture: str) -> tuple[str, str]:
    """Return the text for the place, and the raw text of its trace."""
    limits = resolve([]).settings.limits
    completer = Completer(engine, families()["starcoder2"], Window(99, 99), limits)
    cursor, trace, heard = Cursor.marked(picture), Trace(), list[str]()
    completion = await complete_after_accept(
        completer, cursor, cursor, heard.append, trace
    )
    assert all(limits.yields for limits in engine.limits)
    # Only the line itself is streamed, to requests that join: two pieces.
    assert len(heard) == 2
    return completion.text, trace.raw


async def test_the_line_itself_comes_first() -> None:
    engine = engine_that_writes(here=[" + 1", "\n"], below=["y = 2", "\n"])
    found = await after_accept(engine, "    x = value█\n")
    assert found == (" + 1", " + 1\n")
    assert len(engine.prompts) == 1


async def test_where_the_line_is_finished_the_next_one_is_written() -> None:
    engine = engine_that_writes(here=["", "\n"], below=["y = 2", "\n"])
    found = await after_accept(engine, "    x = value█\nbelow\n")
    assert found == ("\n    y = 2", "y = 2\n")
    assert read(engine.prompts[1]) == "    x = value\n    "


async def test_before_other_text_of_the_line_no_line_is_begun() -> None:
    engine = engine_that_writes(here=["", "\n"], below=["y = 2", "\n"])
    assert await after_accept(engine, "    x = value█)\n") == ("", "\n")
    assert len(engine.prompts) == 1


async def test_where_nothing_follows_nothing_is_suggested() -> None:
    engine = engine_that_writes(here=["", "\n"], below=["", "\n"])
    assert (await after_accept(engine, "    x = value█\n"))[0] == ""


def test_the_cursor_after_an_accept_is_that_of_a_document_yet_to_come() -> None:
    before = Cursor.marked("f(█) + 1\n")
    after = accepted(before, Completion("a, b)", n_replaced=1))
    text = "f(a, b) + 1\n"
    document = replace(before.document, text=text, version=NO_VERSION)
    assert after == Cursor(document, len("f(a, b)"))
