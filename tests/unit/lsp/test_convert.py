"""What a completion is for a client: its text, and the range that it replaces."""

from __future__ import annotations

import pytest
from lsprotocol import types

from starcoder_lsp.flow import CURSOR_MARK, Completion, Cursor
from starcoder_lsp.lsp import convert
from starcoder_lsp.lsp.documents import OpenDocument
from starcoder_lsp.lsp.documents.positions import Encoding, split_lines, units

URI = "file:///a.py"
COMMAND = types.Command("accepted", "accepted")


def opened(picture: str) -> OpenDocument:
    return OpenDocument(URI, "python", 1, split_lines(picture.replace(CURSOR_MARK, "")))


def position_of(picture: str, encoding: Encoding) -> types.Position:
    before = picture.partition(CURSOR_MARK)[0]
    line = before.rpartition("\n")[2]
    return types.Position(before.count("\n"), units(line, encoding))


def params_at(
    position: types.Position, selected: types.SelectedCompletionInfo | None = None
) -> types.InlineCompletionParams:
    return types.InlineCompletionParams(
        types.InlineCompletionContext(
            types.InlineCompletionTriggerKind.Automatic, selected
        ),
        types.TextDocumentIdentifier(URI),
        position,
    )


def columns(range_: types.Range | None) -> tuple[int, int]:
    assert range_ is not None
    assert range_.start.line == range_.end.line
    return range_.start.character, range_.end.character


ENCODED: list[tuple[Encoding, int]] = [("utf-8", 9), ("utf-16", 7), ("utf-32", 6)]


@pytest.mark.parametrize(("encoding", "column"), ENCODED)
def test_ghost_text_replaces_what_it_says_in_its_own_words(
    encoding: Encoding, column: int
) -> None:
    picture = "x = '😀█é')\n"
    position = position_of(picture, encoding)
    assert position.character == column
    cursor = convert.cursor_of(opened(picture), position, encoding)
    completions = [Completion("é');", n_replaced=3), Completion("e")]
    listed = convert.inline_items(
        completions, cursor, params_at(position), encoding, [COMMAND] * 2
    )
    replacing, inserting = listed.items
    width = units("é')", encoding)
    assert columns(replacing.range) == (column, column + width)
    assert columns(inserting.range) == (column, column)


def selected_in(text: str, first: int, last: int) -> types.SelectedCompletionInfo:
    span = types.Range(types.Position(0, first), types.Position(0, last))
    return types.SelectedCompletionInfo(span, text)


@pytest.mark.parametrize(("column", "expected"), [(6, 5), (99, 9)])
def test_a_range_lies_between_characters_of_the_line(
    column: int, expected: int
) -> None:
    document = opened("x = '😀é'\n")
    position = types.Position(0, column)
    cursor = convert.cursor_of(document, position, "utf-16")
    params = params_at(position)
    listed = convert.inline_items(
        [Completion("e")], cursor, params, "utf-16", [COMMAND]
    )
    assert columns(listed.items[0].range) == (expected, expected)


def test_the_selected_entry_is_in_the_text_that_the_model_reads() -> None:
    document = opened("self.lo█ + 1\n")
    cursor = convert.cursor_with(selected_in("load", 5, 7), document, "utf-16")
    assert cursor == Cursor(cursor.document, len("self.load"), "load")
    assert cursor.document.text == "self.load + 1\n"
    assert cursor.document.uri == URI


def test_what_is_offered_beside_a_selected_entry_begins_with_it() -> None:
    document = opened("self.lo█\n")
    selected = selected_in("load", 5, 7)
    cursor = convert.cursor_with(selected, document, "utf-16")
    params = params_at(types.Position(0, 7), selected)
    (item,) = convert.inline_items(
        [Completion("(path)")], cursor, params, "utf-16", [COMMAND]
    ).items
    assert item.insert_text == "load(path)"
    assert item.range == selected.range


def test_beside_a_selected_entry_nothing_is_offered_with_another_range() -> None:
    selected = selected_in("load", 5, 7)
    cursor = convert.cursor_with(selected, opened("self.lo█)\n"), "utf-16")
    params = params_at(types.Position(0, 7), selected)
    replacing = Completion("(path));", n_replaced=1)
    listed = convert.inline_items([replacing], cursor, params, "utf-16", [COMMAND])
    assert listed.items == []


def test_a_popup_entry_replaces_the_word_and_what_it_says_again() -> None:
    picture = "print(na█)\n"
    position = position_of(picture, "utf-16")
    cursor = convert.cursor_of(opened(picture), position, "utf-16")
    completion = Completion("me);", n_replaced=1)
    (item,) = convert.popup_items(
        [completion], cursor, position, "utf-16", [COMMAND]
    ).items
    assert isinstance(item.text_edit, types.TextEdit)
    assert item.text_edit.new_text == "name);"
    assert columns(item.text_edit.range) == (6, 9)


@pytest.mark.parametrize("text", ["${1:name}", "$0", "}\\$", "a${TM_FILENAME}"])
def test_signs_of_snippets_are_plain_text_everywhere(text: str) -> None:
    position = types.Position(0, 0)
    cursor = convert.cursor_of(opened("█\n"), position, "utf-16")
    completion = [Completion(text)]
    (inline,) = convert.inline_items(
        completion, cursor, params_at(position), "utf-16", [COMMAND]
    ).items
    assert inline.insert_text == text
    (popup,) = convert.popup_items(
        completion, cursor, position, "utf-16", [COMMAND]
    ).items
    assert popup.insert_text_format is types.InsertTextFormat.PlainText
    assert isinstance(popup.text_edit, types.TextEdit)
    assert popup.text_edit.new_text == text


@pytest.mark.parametrize(
    ("picture", "text", "filtered_by"),
    [
        ("import █\n", "math", "math"),
        ("import ma█\n", "th", "math"),
        ("def f():█\n", "\n    return 1", "return 1"),
        ("x = ré█\n", "sultat(1)\nprint(x)", "résultat(1)"),
    ],
)
def test_a_popup_entry_is_filtered_by_the_text_that_a_user_may_type_next(
    picture: str, text: str, filtered_by: str
) -> None:
    position = position_of(picture, "utf-16")
    cursor = convert.cursor_of(opened(picture), position, "utf-16")
    (item,) = convert.popup_items(
        [Completion(text)], cursor, position, "utf-16", [COMMAND]
    ).items
    assert item.filter_text == filtered_by
    assert item.preselect is None


def test_a_popup_offers_no_entry_of_white_space() -> None:
    position = types.Position(0, 0)
    cursor = convert.cursor_of(opened("█\n"), position, "utf-16")
    blank, said = Completion("\n    "), Completion("x")
    other = types.Command("accepted", "other")
    listed = convert.popup_items([blank], cursor, position, "utf-16", [COMMAND])
    assert listed.items == []
    (item,) = convert.popup_items(
        [blank, said], cursor, position, "utf-16", [COMMAND, other]
    ).items
    assert item.label == "★ x"
    assert item.command is other
