"""The model does not read closing brackets that the editor inserted."""

from __future__ import annotations

import pytest

from starcoder_lsp.context import Edit
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


def replayed(text: str, *versions: list[Edit]) -> tuple[AutoCloseFilter, str]:
    """Apply the changes of each version, and return the text after them."""
    auto_close = AutoCloseFilter()
    for edits in versions:
        for edit in edits:
            text = text[: edit.start] + edit.text + text[edit.end :]
        auto_close.note_edits("a", edits)
    return auto_close, text


@pytest.mark.parametrize(
    ("versions", "offset", "inserted"),
    [
        ([[Edit(1, 1, "()")]], 2, ")"),
        ([[Edit(1, 1, "(")], [Edit(2, 2, ")")]], 2, ")"),
        ([[Edit(1, 1, "("), Edit(2, 2, ")")]], 2, ")"),
        ([[Edit(1, 1, "()")], [Edit(2, 2, "[]")]], 3, "])"),
        ([[Edit(1, 1, "()")], [Edit(2, 2, "x")]], 3, ")"),
        ([[Edit(1, 1, '""')], [Edit(0, 0, "ab")]], 4, '"'),
        ([[Edit(1, 1, "<>")]], 2, ">"),
        ([[Edit(1, 1, "||")]], 2, "|"),
        ([[Edit(1, 1, "()")], [Edit(1, 3, "")]], 1, ""),
        ([[Edit(1, 1, "()")], [Edit(2, 3, ")")]], 2, ""),
        ([[Edit(1, 1, "(")], [Edit(0, 0, ")")]], 0, ""),
        ([[Edit(1, 1, "x)")]], 2, ""),
        ([[Edit(1, 1, "()")]], 3, ""),
    ],
)
def test_the_edits_tell_what_the_editor_has_inserted(
    versions: list[list[Edit]], offset: int, inserted: str
) -> None:
    auto_close, text = replayed("# \n", *versions)
    cursor = Cursor(Document(text, "a"), offset)
    assert text[offset:] == inserted + auto_close.apply(cursor).suffix


def test_a_document_that_was_closed_has_no_inserted_closers() -> None:
    auto_close, text = replayed("f\n", [Edit(1, 1, "()")])
    auto_close.forget("a")
    assert auto_close.apply(Cursor(Document(text, "a"), 2)).suffix == ")\n"
