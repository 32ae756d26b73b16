"""Our copy of a document against a reference that edits encoded bytes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_model import Reference

from starcoder_lsp.context import Edit
from starcoder_lsp.lsp.documents import Documents, OpenDocument, batches
from starcoder_lsp.lsp.documents import positions as positions_module
from starcoder_lsp.lsp.documents.batches import lines_after
from starcoder_lsp.lsp.documents.parameters import Change
from starcoder_lsp.lsp.documents.positions import (
    Encoding,
    LineColumn,
    Span,
    code_points,
    split_lines,
    units,
)

URI = "file:///a.py"
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")
ALPHABET = ["a", "b", "é", "中", "😀", "\u0301", "\u200d", "\n", "\r\n", "\r"]
ALPHABET += ["\x0c", "\x0b", "\x85", "\u2028", "\u2029", "\ufeff"]

texts = st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join)
positions = st.tuples(st.integers(0, 12), st.integers(0, 12))


def opened(text: str) -> OpenDocument:
    return OpenDocument(URI, "python", 1, split_lines(text))


edits_anywhere = st.lists(st.tuples(positions, positions, texts), max_size=8)


@given(st.sampled_from(ENCODINGS), texts, edits_anywhere)
def test_no_sequence_of_edits_diverges(
    encoding: Encoding,
    text: str,
    edits: list[tuple[tuple[int, int], tuple[int, int], str]],
) -> None:
    reference, document = Reference(text, encoding), opened(text)
    for start, end, new in edits:
        reference.edit(start, end, new)
        before = document.snapshot().text
        edit = document.edit(Span(start, end), new, encoding)
        assert document.snapshot().text == reference.text
        assert document.lines == split_lines(reference.text)
        assert before[: edit.start] + edit.text + before[edit.end :] == reference.text


ORDERS = st.sampled_from(("any", "back", "forth"))


@given(st.sampled_from(ENCODINGS), texts, edits_anywhere, ORDERS)
def test_edits_in_one_pass_are_the_same_as_one_by_one(
    encoding: Encoding,
    text: str,
    edits: list[tuple[tuple[int, int], tuple[int, int], str]],
    order: str,
) -> None:
    if order != "any":
        edits.sort(key=lambda edit: max(edit[:2]), reverse=order == "back")
    reference = Reference(text, encoding)
    for start, end, new in edits:
        reference.edit(start, end, new)
    changes: list[Change | None] = [Change(Span(*ends), new) for *ends, new in edits]
    lines = asyncio.run(lines_after(split_lines(text), changes, encoding))
    assert lines == split_lines(reference.text)


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        # Each line has its own columns.
        (
            "éa\nabc\n😀b",
            [((2, 4), (2, 5), "3"), ((1, 1), (1, 3), "2"), ((0, 2), (0, 3), "1")],
            "é1\na2\n😀3",
        ),
        # What lies between two edits stays.
        ("a\nb\nc\nd\ne", [((4, 0), (4, 1), "E"), ((0, 0), (0, 1), "A")], "A\nb\nc\nd\nE"),
        # The second edit ends inside of the first.
        ("abcdef", [((0, 2), (0, 5), "X"), ((0, 1), (0, 3), "Y")], "aYf"),
        # A column beyond the end of its line, which the first edit makes longer.
        ("ab\ncd", [((0, 2), (1, 0), ""), ((0, 3), (0, 1), "X")], "aXd"),
        # The first edit makes one line end of two signs.
        ("a\rb", [((1, 0), (1, 0), "\n"), ((1, 0), (1, 0), "X")], "a\r\nXb"),
    ],
)  # fmt: skip
async def test_edits_apply_to_what_the_one_before_left(
    text: str, edits: list[tuple[tuple[int, int], tuple[int, int], str]], expected: str
) -> None:
    changes: list[Change | None] = [Change(Span(*ends), new) for *ends, new in edits]
    assert await lines_after(split_lines(text), changes, "utf-8") == split_lines(
        expected
    )


def test_the_edit_of_other_lines_is_no_longer_than_what_differs() -> None:
    document = opened("a\nb\nc\n")
    assert document.replace_all(["a\n", "X\n", "c\n", ""]) == Edit(2, 3, "X")
    assert document.replace_all(["a\n", "X()\n", "c\n", ""]) == Edit(3, 3, "()")


@given(texts, texts)
def test_other_lines_are_an_edit_of_what_differs(text: str, other: str) -> None:
    document = opened(text)
    edit = document.replace_all(split_lines(other))
    assert text[: edit.start] + edit.text + text[edit.end :] == other
    assert document.snapshot().text == other


async def test_edits_from_the_end_to_the_beginning_are_read_in_one_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(batches, "_one_by_one")
    back: list[Change | None] = [
        Change(Span((i, 1), (i, 2)), "é😀") for i in reversed(range(1000))
    ]
    lines = await lines_after(split_lines("😀b\n" * 1000), back, "utf-32")
    assert lines == split_lines("😀é😀\n" * 1000)


async def test_edits_from_the_beginning_to_the_end_are_read_in_one_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also in one long line, where each text moves what follows it."""
    monkeypatch.delattr(batches, "_one_by_one")
    forth: list[Change | None] = [
        Change(Span((0, 4 * i), (0, 4 * i + 2)), "éab") for i in range(1000)
    ]
    lines = await lines_after(["😀b" * 1000], forth, "utf-16")
    assert lines == ["éabb" * 1000]


@given(st.sampled_from(ENCODINGS), st.lists(st.tuples(texts, texts, texts), max_size=6))
def test_replacing_one_text_after_the_other_leaves_what_is_between(
    encoding: Encoding, parts: list[tuple[str, str, str]]
) -> None:
    """Each part is a text that stays, one that goes, and what takes its place."""
    reference = Reference("".join(stays + goes for stays, goes, _ in parts), encoding)
    changes: list[Change | None] = []
    done = ""
    for stays, goes, comes in parts:
        start, end = (end_of(done + stays + more, encoding) for more in ("", goes))
        changes.append(Change(Span(start, end), comes))
        reference.edit(start, end, comes)
        done += stays + comes
    before = split_lines("".join(stays + goes for stays, goes, _ in parts))
    lines = asyncio.run(lines_after(before, changes, encoding))
    assert lines == split_lines(reference.text)


def end_of(text: str, encoding: Encoding) -> tuple[int, int]:
    *above, last = split_lines(text)
    return len(above), units(last, encoding)


async def test_edits_that_would_never_end_are_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "MAX_S", -1.0)
    columns = (1, 3, 0, 2)
    mixed: list[Change | None] = [Change(Span((0, i), (0, i)), "x") for i in columns]
    assert await lines_after(["abc"], mixed, "utf-8") is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([None], None),
        ([Change(None, "a\n"), None], None),
        ([None, Change(None, "a\n")], ["a\n", ""]),
        ([Change(None, "a"), Change(Span((0, 1), (0, 1)), "b")], ["ab"]),
    ],
)
@pytest.mark.parametrize("lines", [None, ["old"]])
async def test_only_a_whole_text_makes_up_for_a_change_nobody_can_read(
    lines: list[str] | None, changes: list[Change | None], expected: list[str] | None
) -> None:
    assert await lines_after(lines, list(changes), "utf-16") == expected


@given(st.text(alphabet=["a", "\n", "\r"], max_size=50))
def test_a_text_split_in_steps_has_the_same_lines(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "STEP_CHARACTERS", 3)
        assert asyncio.run(batches.split_in_steps(text)) == split_lines(text)


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
async def test_a_text_is_split_in_short_steps_that_cut_no_line_end(
    monkeypatch: pytest.MonkeyPatch, line_end: str
) -> None:
    steps: list[str] = []

    def split(text: str) -> list[str]:
        steps.append(text)
        return split_lines(text)

    monkeypatch.setattr(batches, "STEP_CHARACTERS", 4)
    monkeypatch.setattr(batches, "split_lines", split)
    text = f"ab{line_end}" * 10
    assert await batches.split_in_steps(text) == split_lines(text)
    assert "".join(steps) == text
    assert max(map(len, steps)) <= 8
    # A sign at the end of what is looked at may be half of a line end.
    cut = "aaaaaaa\r\nb"
    assert await batches.split_in_steps(cut) == split_lines(cut)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_columns_behind_the_first_block_are_counted_too(
    monkeypatch: pytest.MonkeyPatch, encoding: Encoding
) -> None:
    monkeypatch.setattr(positions_module, "BLOCK", 4)
    line = "éaé中😀bXé中X \r\n"
    columns = positions_module.Columns(line, encoding)
    assert columns.n_units == units(line.rstrip("\r\n"), encoding)
    for column in range(columns.n_units + 2):
        expected = code_points(line, column, encoding)
        assert columns.code_points(column) == expected, column


@given(
    st.sampled_from(ENCODINGS),
    st.text(alphabet=["a", "é", "中", "😀"], max_size=30),
    st.integers(0, 70),
)
def test_columns_of_a_long_line_are_counted_as_in_a_short_one(
    encoding: Encoding, line: str, column: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(positions_module, "BLOCK", 4)
        columns = positions_module.Columns(line, encoding)
        assert columns.code_points(column) == code_points(line, column, encoding)
        assert columns.n_units == units(line, encoding)


@given(st.sampled_from(ENCODINGS), texts, positions)
def test_a_place_has_the_offset_that_the_reference_counts(
    encoding: Encoding, text: str, position: tuple[int, int]
) -> None:
    document = opened(text)
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
    found = [code_points(line, column, encoding) for column in range(len(columns))]
    assert found == columns


def test_columns_after_half_of_a_pair_are_counted_on() -> None:
    assert code_points("\ud800éb", 3, "utf-8") == 1
    assert code_points("\ud800😀b", 5, "utf-8") == 1
    assert code_points("\ud800éb", 2, "utf-16") == 2


@pytest.mark.parametrize("text", ["", "ab", "ab\r", "ab\n\ncd"])
def test_a_line_end_before_everything_makes_a_line_of_its_own(text: str) -> None:
    document = opened(text)
    document.edit(Span((0, 0), (0, 0)), "\n", "utf-8")
    assert document.lines == split_lines("\n" + text)


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
    document = opened(text)
    document.edit(Span((1, 0), (1, 1)), written, "utf-8")
    assert document.lines == lines


def test_a_line_has_its_new_start_after_a_cr_and_a_lf_have_met() -> None:
    document = opened("a\rb\nc")
    assert [document.offset(LineColumn(line, 0)) for line in (0, 1)] == [0, 2]
    document.edit(Span((1, 0), (1, 1)), "", "utf-8")
    assert document.offset(LineColumn(1, 0)) == len("a\r\n")
    document.edit(Span((1, 0), (1, 0)), "\n", "utf-8")
    assert [document.offset(LineColumn(line, 0)) for line in (2, 1, 0)] == [4, 3, 0]


def test_a_line_has_its_new_start_after_everything_was_replaced() -> None:
    document = opened("one\ntwo\n")
    assert document.offset(LineColumn(1, 0)) == 4
    document.replace_all(["a\n", "b\n"])
    assert document.offset(LineColumn(1, 0)) == 2


def test_all_open_documents_are_listed_and_may_be_closed_meanwhile() -> None:
    documents = Documents()
    for uri in ("a", "b"):
        documents.open(OpenDocument(uri, "python", 1, ["x"]))
    listed = []
    for document in documents:
        listed.append(document.uri)
        documents.close(document.uri)
        documents.close(document.uri)
    assert listed == ["a", "b"]
    assert list(documents) == []


def test_a_snapshot_is_not_changed_by_later_edits() -> None:
    document = opened("x = 1")
    before = document.snapshot()
    document.renumber(2)
    document.edit(Span((0, 0), (0, 1)), "y", "utf-16")
    assert (before.text, before.version) == ("x = 1", 1)
    assert document.snapshot().text == "y = 1"


def test_a_snapshot_has_the_version_of_a_change_that_changes_nothing() -> None:
    document = opened("x = 1")
    document.snapshot()
    document.renumber(2)
    assert document.snapshot().version == 2


def test_a_new_number_changes_no_text() -> None:
    document = opened("x = 1")
    before = document.snapshot()
    document.renumber(7)
    after = document.snapshot()
    assert (document.version, after.version) == (7, 7)
    assert after.text is before.text


def test_of_a_lost_document_all_but_its_text_is_known() -> None:
    documents, document = Documents(), OpenDocument(URI, "python", 3, ["x"])
    for _ in range(2):
        documents.lose(document, "why")
    assert documents.get(URI) is None
    assert documents.find(URI) == OpenDocument(URI, "python", 3, [""], "why")


def test_a_lost_document_is_open_without_its_text() -> None:
    documents = Documents()
    documents.open(opened("x"))
    documents.lose(opened("x"), "damaged")
    assert documents.get(URI) is None
    assert list(documents) == []
    lost = documents.find(URI)
    assert lost is not None
    assert (lost.trouble, lost.snapshot().text) == ("damaged", "")
    documents.open(opened("y"))
    found = documents.find(URI)
    assert found is not None
    assert found is documents.get(URI)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_lone_surrogate_is_text_like_any_other(encoding: Encoding) -> None:
    document = opened("a\ud800b")
    document.edit(Span((0, 99), (0, 99)), "!", encoding)
    assert document.snapshot().text == "a\ud800b!"
