"""Our copy of a document against a reference that edits encoded bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.lsp.documents import Documents, Encoding, Span, split_lines, units

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
        documents.change(URI, version, [(Span(start, end), new)], encoding)
        document = documents.get(URI)
        assert document is not None
        assert document.snapshot().text == reference.text
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


def test_a_full_change_replaces_everything() -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "old")
    documents.change(URI, 2, [(None, "new\n"), (Span((1, 0), (1, 0)), "er")], "utf-16")
    document = documents.get(URI)
    assert document is not None
    assert document.snapshot().text == "new\ner"
    assert document.snapshot().version == 2


def test_an_edit_that_joins_a_cr_with_a_lf_joins_their_lines() -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "a\rb\nc")
    documents.change(URI, 2, [(Span((1, 0), (1, 1)), "")], "utf-8")
    document = documents.get(URI)
    assert document is not None
    assert document.lines == ["a\r\n", "c"]


def test_a_snapshot_is_not_changed_by_later_edits() -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "x = 1")
    document = documents.get(URI)
    assert document is not None
    before = document.snapshot()
    documents.change(URI, 2, [(Span((0, 0), (0, 1)), "y")], "utf-16")
    assert before.text == "x = 1"
    assert document.snapshot().text == "y = 1"


def test_a_change_to_a_closed_document_is_ignored() -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "x")
    documents.close(URI)
    documents.change(URI, 2, [(None, "y")], "utf-16")
    assert documents.get(URI) is None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_lone_surrogate_is_text_like_any_other(encoding: Encoding) -> None:
    documents = Documents()
    documents.open(URI, "python", 1, "a\ud800b")
    documents.change(URI, 2, [(Span((0, 99), (0, 99)), "!")], encoding)
    document = documents.get(URI)
    assert document is not None
    assert document.snapshot().text == "a\ud800b!"
