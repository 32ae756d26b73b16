"""Pictures of rules: the document, the text of the model, the suggestion."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.completion.postprocess import process
from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.completion.postprocess.scope import scope
from starcoder_lsp.flow import Cursor, Style
from starcoder_lsp.settings.options import RULES

CASES = Path(__file__).parents[2] / "cases" / "postprocess"


def cases(name: str) -> list[Any]:
    rows = tomllib.loads((CASES / name).read_text("utf-8"))["case"]
    return [pytest.param(row, id=row["name"]) for row in rows]


def place_of(case: dict[str, Any]) -> Place:
    assert case.get("wrong", False) == ("reason" in case)
    cursor = Cursor.marked(case["before"], case.get("language", "python"))
    style = dict(case.get("style", {}))
    style["disabled_rules"] = frozenset(style.get("disabled_rules", ()))
    return Place(
        cursor,
        Style(**style),
        is_cut_off=case.get("is_cut_off", False),
        n_inserted=case.get("n_inserted", 0),
    )


@pytest.mark.parametrize("case", cases("scope.toml"))
def test_where_a_suggestion_ends(case: dict[str, Any]) -> None:
    assert scope(case["text"], place_of(case)).text == case["shown"]


PICTURES = [
    case
    for file in ("rules", "start", "stop", "overlap", "shown", "places")
    for case in cases(f"{file}.toml")
]


@pytest.mark.parametrize("case", PICTURES)
def test_the_text_that_is_shown(case: dict[str, Any]) -> None:
    result = process(case["text"], place_of(case))
    assert result.text == case["shown"]
    assert result.n_replaced == case.get("n_replaced", 0)
    effects = [effect.rule for effect in result.effects]
    assert case.get("rule") in (*effects, None)


def test_every_rule_has_its_picture() -> None:
    pictured = {case.values[0].get("rule") for case in PICTURES}
    assert set(RULES) <= pictured


def test_the_documentation_names_every_rule_in_its_order() -> None:
    text = (Path(__file__).parents[3] / "docs" / "filters.md").read_text("utf-8")
    assert tuple(re.findall(r"^\| `(\w+)`", text, re.MULTILINE)) == RULES
    numbers = [int(n) for n in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]
    assert numbers == list(range(1, 40))
