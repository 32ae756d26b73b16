"""Our copy of a document against a reference that edits encoded bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.context import Edit
from starcoder_lsp.lsp.documents import (
    Documents,
    Encoding,
    Place,
    Span,
    code_points,
    split_lines,
    units,
)

URI = "file:///a.py"
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
ALPHABET = ["a", "b", "é", "中", "😀", "\u0301", "\u200d", "\n", "\r\n", "\r"]
ALPHABET += ["\x0c", "\x0b", "\x85", "\u2028", "\u2029", "\ufeff"]

texts = st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join)
positions = st.tuples(st.integers(0, 12), st.integers(0, 12))


@dataclass
class Reference:
    """The document as code units, with offsets found by counting them one by one."""

    text: str
    encoding: Encoding

    def edit(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        first, last = sorted((self.offset(*start), self.offset(*end)))
        codec, size = CODECS[self.encoding]
        encoded = self.text.encode(codec)
        changed = encoded[: first * size] + text.encode(codec) + encoded[last * size :]
        self.text = changed.decode(codec)

    def offset(self, line: int, character: int) -> int:
        """In code units from the start; clamped to the line's text, to whole characters."""
        starts = [0, *(found.end() for found in re.finditer("\r\n|\r|\n", self.text))]
        if line >= len(starts):
            return self.length(self.text)
        content = re.split("\r\n|\r|\n", self.text[starts[line] :], maxsplit=1)[0]
        while self.length(content) > character:
            content = content[:-1]
        return self.length(self.text[: starts[line]]) + self.length(content)

    def length(self, text: str) -> int:
        codec, size = CODECS[self.encoding]
        return len(text.encode(codec)) // size


@given(
    st.sampled_from(ENCODINGS),
    texts,
    st.lists(st.tuples(positions, positions, texts), max_size=8),
)
def test_no_sequence_of_edits_diverges(
    encoding: Encoding,
    text: str,
    edits: list[tuple[tuple[int, int], tuple[int, int], str]],
) -> None:
    reference = Reference(text, encoding)
    documents = Documents()
    documents.open(URI, "python", 1, text)
    for version, (start, end, new) in enumerate(edits, start=2):
        reference.edit(start, end, new)
        document = documents.get(URI)
        assert document is not None
        before = document.snapshot().text
        (edit,) = documents.change(URI, version, [(Span(start, end), new)], encoding)
        assert document.snapshot().text == reference.text
        assert before[: edit.start] + edit.text + before[edit.end :] == reference.text
        assert document.lines == split_lines(reference.text)


@given(st.sampled_from(ENCODINGS), texts, positions)
def test_a_place_has_the_offset_that_the_reference_counts(
    encoding: Encoding, text: str, position: tuple[int, int]
) -> None:
    documents = Documents()
    documents.open(URI, "python", 1, text)
    document = documents.get(URI)
    assert document is not None
    offset = document.offset(document.place(*position, encoding))
    expected = Reference(text, encoding).offset(*position)
    assert units(text[:offset], encoding) == expected


@pytest.mark.parametrize(
    ("encoding", "columns"),
    [
        ("utf-8", [0, 1, 1, 1, 1, 2, 2, 3, 4, 4]),
        ("utf-16", [0, 1, 1, 2, 3, 4, 4]),
        ("utf-32", [0, 1, 2, 3, 4, 4]),
    ],
)
def test_a_column_inside_of_a_character_is_its_start_and_none_is_past_the_end(
    encoding: Encoding, columns: list[int]
) -> None:
    line = "a😀éX\r\n"
    found = [code_points(line, units, encoding) for units in range(len(columns))]
    assert found == columns


def test_columns_after_half_of_a_pair_are_counted_on() -> None:
    assert code_points("\ud800éb", 3, "utf-8") == 1
    assert code_points("\ud800😀b", 5, "utf-8") == 1
    assert code_points("\ud800éb", 2, "utf-16") == 2


@pytest.mark.parametrize("text", ["", "ab", "ab\r", "ab\n\ncd"])
def test_a_line_end_before_everything_makes_a_line_of_its_own(text: str) -> None:
    documents = Documents()
    documents.open(URI, "python", 1, text)
    documents.change(URI, 2, [(Span((0, 0), (0, 0)), "\n")], "utf-8")
    document = documents.get(URI)
    assert document is not None
    assert document.lines == split_lines("\n" + text)


def test_a_full_change_replaces_everything() -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "old\nold")
    changes = [(None, "new\n"), (Span((1, 0), (1, 0)), "er")]
    edits = documents.change(URI, 2, changes, "utf-16")
    assert edits == [Edit(0, len("old\nold"), "new\n"), Edit(4, 4, "er")]
    document = documents.get(URI)
    assert document is not None
    assert document.snapshot().text == "new\ner"
    assert document.snapshot().version == 2


@pytest.mark.parametrize(
    ("text", "written", "lines"),
    [
        ("a\rb\nc", "", ["a\r\n", "c"]),
        ("a\rb\nc", "\nx", ["a\r\n", "x\n", "c"]),
        ("a\rb", "\n", ["a\r\n", ""]),
    ],
)
def test_an_edit_that_joins_a_cr_with_a_lf_joins_their_lines(
    text: str, written: str, lines: list[str]
) -> None:
    documents = Documents()
    documents.open(URI, "python", 1, text)
    documents.change(URI, 2, [(Span((1, 0), (1, 1)), written)], "utf-8")
    document = documents.get(URI)
    assert document is not None
    assert document.lines == lines


def test_a_line_has_its_new_start_after_a_cr_and_a_lf_have_met() -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "a\rb\nc")
    document = documents.get(URI)
    assert document is not None
    assert [document.offset(Place(line, 0)) for line in (0, 1)] == [0, 2]
    documents.change(URI, 2, [(Span((1, 0), (1, 1)), "")], "utf-8")
    assert document.offset(Place(1, 0)) == len("a\r\n")
    documents.change(URI, 3, [(Span((1, 0), (1, 0)), "\n")], "utf-8")
    assert [document.offset(Place(line, 0)) for line in (2, 1, 0)] == [4, 3, 0]


def test_a_line_has_its_new_start_after_everything_was_replaced() -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "one\ntwo\n")
    document = documents.get(URI)
    assert document is not None
    assert document.offset(Place(1, 0)) == 4
    documents.change(URI, 2, [(None, "a\nb\n")], "utf-8")
    assert document.offset(Place(1, 0)) == 2


def test_a_snapshot_is_not_changed_by_later_edits() -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "x = 1")
    document = documents.get(URI)
    assert document is not None
    before = document.snapshot()
    documents.change(URI, 2, [(Span((0, 0), (0, 1)), "y")], "utf-16")
    assert before.text == "x = 1"
    assert document.snapshot().text == "y = 1"


def test_a_change_to_a_closed_document_is_ignored_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "x")
    documents.close(URI)
    for _ in range(3):
        assert documents.change(URI, 2, [(None, "y")], "utf-16") == []
    assert documents.get(URI) is None
    assert caplog.messages == ["changes to a document that is not open are ignored"]


def test_a_version_that_goes_back_is_told(caplog: pytest.LogCaptureFixture) -> None:
    documents = Documents()
    documents.open(URI, "python", 2, "x")
    for version in (2, 3, 1):
        documents.change(URI, version, [(None, "y")], "utf-16")
    assert caplog.messages == ["a document went back to version 1"]


def test_all_open_documents_are_listed_and_may_be_closed_meanwhile() -> None:
    documents = Documents()
    for uri in ("a", "b"):
        documents.open(uri, "python", 1, "x")
    listed = []
    for document in documents:
        listed.append(document.uri)
        documents.close(document.uri)
        documents.close(document.uri)
    assert listed == ["a", "b"]
    assert list(documents) == []


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_lone_surrogate_is_text_like_any_other(encoding: Encoding) -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "a\ud800b")
    documents.change(URI, 2, [(Span((0, 99), (0, 99)), "!")], encoding)
    document = documents.get(URI)
    assert document is not None
    assert document.snapshot().text == "a\ud800b!"
