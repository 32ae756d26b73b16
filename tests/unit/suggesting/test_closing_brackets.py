"""The model does not read closing brackets that the editor inserted."""

from __future__ import annotations

import pytest

from starcoder_lsp.flow import Cursor, Document
from starcoder_lsp.suggesting.closing_brackets import AutoCloseFilter


def seen(*pictures: str) -> str:
    """Return the text after the cursor that the model reads, at the last picture."""
    auto_close, suffix = AutoCloseFilter(), ""
    for picture in pictures:
        marked = Cursor.marked(picture)
        cursor = Cursor(Document(marked.document.text, "a"), marked.offset)
        read_as = auto_close.apply(cursor)
        assert read_as.prefix == cursor.prefix
        suffix = read_as.suffix
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
def test_inserted_closers_are_not_read(typed: list[str]) -> None:
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
    auto_close = AutoCloseFilter()
    auto_close.apply(Cursor(Document("\n", "a"), 0))
    assert auto_close.apply(Cursor(Document("()\n", "b"), 1)).suffix == ")\n"
    assert auto_close.apply(Cursor(Document("()\n", "a"), 1)).suffix == "\n"
    auto_close.forget("a")
    assert auto_close.apply(Cursor(Document("()\n", "a"), 1)).suffix == ")\n"
