"""The text after the cursor, without what the editor closed."""

from __future__ import annotations

import pytest

from starcoder_lsp.flow import Cursor, Document
from starcoder_lsp.suggesting.closing_brackets import Freezer


def seen(*pictures: str) -> str:
    """What the model reads after the cursor, at the last of the pictures."""
    freezer, suffix = Freezer(), ""
    for picture in pictures:
        marked = Cursor.marked(picture)
        cursor = Cursor(Document(marked.document.text, "a"), marked.offset)
        frozen = freezer.frozen(cursor)
        assert frozen.prefix == cursor.prefix
        suffix = frozen.suffix
    return suffix


@pytest.mark.parametrize(
    "typed",
    [
        ["f(█)"],
        ["f(█)", "f(x█)", "f(x[█])", "f(x[0█])", "f(x[0]█)"],
        ['f("█")', 'f("a█")', 'f("a"█)'],
        ["f(█)", "f█", "█"],
        ["f(█"],
    ],
)
def test_what_the_editor_closes_is_not_read(typed: list[str]) -> None:
    lines = [f"above\n{line}\nbelow" for line in ["█", *typed]]
    assert seen(*lines) == "\nbelow"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("█\nbelow", "f(█]\nbelow"),
        ("█\nbelow", "f█)\nbelow"),
        ("█\nbelow", "f(█)\nbelow changed"),
        ("f(█\nbelow", "f(█)\nbelow"),
        ("x█\nbelow", "x(\n█)\nbelow"),
        ("one\n█\nbelow", "two\n(█)\nbelow"),
        ("█\n", "f(█) + 1\n"),
    ],
)
def test_every_other_change_is_read(before: str, after: str) -> None:
    assert seen(before, after) == Cursor.marked(after).suffix


def test_documents_do_not_mix() -> None:
    freezer = Freezer()
    freezer.frozen(Cursor(Document("\n", "a"), 0))
    assert freezer.frozen(Cursor(Document("()\n", "b"), 1)).suffix == ")\n"
    assert freezer.frozen(Cursor(Document("()\n", "a"), 1)).suffix == "\n"
    freezer.forget("a")
    assert freezer.frozen(Cursor(Document("()\n", "a"), 1)).suffix == ")\n"
