"""What a document says of the names around its cursor."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.symbols import Symbols
from starcoder_lsp.flow import CURSOR_MARK


def scene(text: str) -> Scene:
    before, _, after = text.partition(CURSOR_MARK)
    return Scene("a.py", before + after, len(before), Symbols("python"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("row = Row(1)\nrow.█", ["Row(1)"]),
        ("self.row: Row = make()\nself.row.█", ["Row = make()"]),
        ("with open(a) as row:\n    row.█", ["with open(a)", "as"]),
        ("Row row = make();\nrow.█", ["make();", "Row"]),
        ("void f(List<Row> row) {\n  row.█", ["List"]),
        ("row, error := load()\nrow.█", ["load()"]),
        (
            "const row = first()\nrow = second()\nrow.█",
            ["second()", "first()", "const"],
        ),
        ("row.█\nrow = below()", ["below()"]),
        ("row == 1\nnarrow = 2\nrow.█", []),
        ("row::a();\nother.row = 1\nrow.█", []),
    ],
)
def test_a_name_is_what_it_is_bound_to_or_declared_as(
    text: str, said: list[str]
) -> None:
    assert list(scene(text).expressions_of("row")) == said


def test_members_are_those_of_the_name_itself() -> None:
    place = scene("store.put(1)\nself.store.get()\nrestore.cut()\nstore.put(2)\n█")
    assert place.used_of("store") == {"put"}


@given(st.text(alphabet="ab_.é1 \n", max_size=60))
def test_a_name_is_mentioned_as_often_as_the_document_says_it(text: str) -> None:
    words = re.findall(r"\w+", text)
    for name in ("a", "ab", "é", "_"):
        for times in (1, 2):
            n = words.count(name)
            assert scene(text).mentions(name, times) == (n >= times)
