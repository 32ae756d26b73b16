"""Pictures: the text before, what the model writes, what is shown."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.flow import Cursor
from starcoder_lsp.postprocess import postprocess, scope

CASES = Path(__file__).parents[1] / "cases" / "postprocess"


def cases(name: str) -> list[Any]:
    rows = tomllib.loads((CASES / name).read_text("utf-8"))["case"]
    return [pytest.param(row, id=row["name"]) for row in rows]


def cursor_of(case: dict[str, Any]) -> Cursor:
    assert case.get("wrong", False) == ("reason" in case)
    return Cursor.marked(case["before"], case.get("language", "python"))


@pytest.mark.parametrize("case", cases("scope.toml"))
def test_where_a_suggestion_ends(case: dict[str, Any]) -> None:
    cut = scope.cut(case["text"], cursor_of(case), case.get("multiline", "auto"))
    assert cut.text == case["shown"]


@pytest.mark.parametrize("case", cases("rules.toml"))
def test_what_is_left_of_it(case: dict[str, Any]) -> None:
    assert postprocess(case["text"], cursor_of(case)) == case["shown"]


PLACES = [row.values[0]["before"] for row in cases("scope.toml")]
pieces = st.lists(
    st.sampled_from(["a", " ", "    ", "\n", "}", ")", "if x:", "{", "end", "\t"])
)


@given(st.sampled_from(PLACES), pieces, st.sampled_from(["auto", "never", "always"]))
def test_a_final_cut_stays_final_however_much_follows(
    place: str, written: list[str], multiline: str
) -> None:
    cursor = Cursor.marked(place)
    text, final = "", None
    for piece in written:
        text += piece
        cut = scope.cut(text, cursor, multiline)
        if final is not None:
            assert cut.text == final
        elif cut.is_final:
            final = cut.text


@given(st.sampled_from(PLACES), pieces)
def test_a_second_pass_changes_nothing(place: str, written: list[str]) -> None:
    cursor = Cursor.marked(place)
    once = postprocess("".join(written), cursor)
    assert postprocess(once, cursor) == once
