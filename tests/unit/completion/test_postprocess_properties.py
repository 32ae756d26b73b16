"""Properties of the rules, for every text at every place."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.completion.postprocess import STAGES, STARTS, STOPS, process, take
from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.completion.postprocess.safety import INVISIBLE, JOINED_EMOJI
from starcoder_lsp.flow import Cursor, Document, Style
from starcoder_lsp.languages import languages

CASES = Path(__file__).parents[2] / "cases" / "postprocess"
# Rules that may make a text longer.
LENGTHEN = frozenset(("indent", "line_ends"))


def pictures() -> list[Place]:
    rows = [
        row
        for file in sorted(CASES.glob("*.toml"))
        for row in tomllib.loads(file.read_text("utf-8"))["case"]
    ]
    return [Place.marked(row["before"], row.get("language", "python")) for row in rows]


PLACES = st.sampled_from(pictures())
STYLES = st.builds(
    Style,
    st.sampled_from(["auto", "never", "always"]),
    wants_more=st.booleans(),
    is_after_accept=st.booleans(),
    can_replace=st.booleans(),
)
WRITTEN = st.lists(
    st.sampled_from(
        [
            "a",
            "x = 1",
            "return a",
            " ",
            "    ",
            "\n",
            "\n\n",
            "}",
            ")",
            "]",
            '"',
            "'",
            "if x:",
            "{",
            "(",
            "end",
            "\t",
            "else",
            ",",
            "# ",
            "```",
            "<|endoftext|>",
            "def f():",
            "\r",
            "😀",
            "\u200d",
            "\u202e",
            "\ud83d",
            "\ufffd",
            "\x1b",
        ]
    ),
    max_size=25,
)
ANYTHING = st.text(st.characters(), max_size=80)


@given(PLACES, STYLES, WRITTEN)
def test_a_final_text_stays_the_same_whatever_follows(
    place: Place, style: Style, written: list[str]
) -> None:
    at = replace(place, style=style)
    text, final = "", None
    for piece in written:
        text += piece
        cut = take(text, at)
        if final is not None:
            assert cut.text == final
        elif cut.is_final:
            final = cut.text


@given(PLACES, STYLES, WRITTEN)
def test_the_rules_give_the_same_from_streamed_and_from_raw_text(
    place: Place, style: Style, written: list[str]
) -> None:
    at = replace(place, style=style)
    text = "".join(written)
    whole = take(text, at)
    assert process(text, at).text == process(whole.text, _started(at)).text


def _started(at: Place) -> Place:
    """The same place for a text whose start is already corrected."""
    done = frozenset(name for name, _ in STARTS)
    return replace(at, style=replace(at.style, disabled_rules=done))


@given(PLACES, WRITTEN)
def test_a_second_pass_changes_nothing(place: Place, written: list[str]) -> None:
    once = process("".join(written), place).text
    assert process(once, _started(place)).text == once


@given(ANYTHING, ANYTHING, ANYTHING, st.sampled_from(sorted(languages())), STYLES)
def test_no_rule_fails_or_lengthens_or_lets_anything_hidden_through(
    prefix: str, suffix: str, text: str, language: str, style: Style
) -> None:
    cursor = Cursor(Document(prefix + suffix, language=language), len(prefix))
    result = process(text, Place(cursor, style))
    for effect in result.effects:
        is_shorter = len(effect.after) <= len(effect.before)
        assert is_shorter or effect.rule in LENGTHEN
    hidden = INVISIBLE.findall(JOINED_EMOJI.sub("", result.text))
    assert set(hidden) <= set(cursor.document.text)
    assert 0 <= result.n_replaced <= len(cursor.line_suffix)


HUGE = {
    "one line": "x" * 1_000_000,
    "space": " " * 1_000_000,
    "line ends": "\n" * 1_000_000,
    "closing braces": "}" * 1_000_000,
    "brackets that never fit": "(" * 500_000 + "]" * 500_000,
    "quotes": "\"'`" * 300_000,
    "lines": "x = 1\n" * 150_000,
    "blocks": "a\nb\n\n" * 150_000,
    "closing lines": "}\n" * 500_000,
    "backslashes": "\\" * 1_000_000,
    "fences": "```\n" * 250_000,
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE.keys())
@pytest.mark.parametrize("language", ["python", "javascript", "ruby"])
def test_a_megabyte_is_cut_to_what_is_shown(text: str, language: str) -> None:
    place = Place.marked("def f(\n    {█\n)}\n", language)
    assert len(process(text, place).text) <= 8000
    around = Cursor(Document(text + text, language=language), len(text))
    process("a = (1\n}\n", Place(around))


RULES: list[tuple[str, Callable[[str, Place], object]]] = [*STARTS, *STOPS, *STAGES]


@pytest.mark.parametrize(("name", "rule"), RULES, ids=[name for name, _ in RULES])
def test_every_rule_alone_ends_on_long_texts(
    name: str, rule: Callable[[str, Place], object]
) -> None:
    place = Place.marked("def f():█\n    return 1\n")
    for text in HUGE.values():
        rule(text[:100_000], place)
