"""Applies many changes to a document at once, for example after "replace all".

Editors send such changes from the end of the document to its start, or the other way. In
both orders one pass over the text is enough.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from starcoder_lsp.lsp.documents import OpenDocument
from starcoder_lsp.lsp.documents.edit_places import Edits, places_of
from starcoder_lsp.lsp.documents.parameters import Change
from starcoder_lsp.lsp.documents.positions import (
    Encoding,
    LineColumn,
    Span,
    split_lines,
)
from starcoder_lsp.lsp.time_slices import TimeSlices, taken_in_slices

# Changes in a mixed order, in a very long line, each cost the length of the line.
MAX_S = 5.0
STEP_CHARACTERS = 500_000


class TooSlow(Exception):
    """The changes take longer than `MAX_S`."""


async def lines_after(
    lines: Sequence[str] | None, changes: list[Change | None], encoding: Encoding
) -> list[str] | None:
    """Return the lines of a document after `changes`.

    Return None if they are unknown: a change could not be read, or `lines` is None, and
    no later change replaces the whole text. Empties `changes`.
    """
    for i in reversed(range(len(changes))):
        if (one := changes[i]) is not None and one.span is None:
            lines = await split_in_steps(one.text)
            del changes[: i + 1]
            break
    if lines is None or None in changes:
        return None
    edits = await taken_in_slices(_edit_of, changes)
    try:
        return await _edited(lines, edits, encoding)
    except TooSlow:
        return None


def _edit_of(change: Change) -> tuple[Span, str]:
    assert change.span is not None
    return change.span, change.text


async def _edited(
    lines: Sequence[str], edits: list[tuple[Span, str]], encoding: Encoding
) -> list[str]:
    """Return the lines after `edits`, each of which applies to the result of the previous one."""
    slices = TimeSlices()
    places = await places_of(edits, lines, encoding, slices)
    if places is None:
        return await _one_by_one(lines, edits, encoding, slices)
    pieces: list[str] = []
    here = LineColumn(0, 0)
    for (start, end), text in places:
        pieces += _between(lines, here, start)
        pieces.append(text)
        here = end
        await slices.rest_if_due()
    pieces += _between(lines, here, LineColumn(len(lines) - 1, len(lines[-1])))
    text = "".join(pieces)
    await slices.rest_if_due()
    return await split_in_steps(text, slices)


async def split_in_steps(text: str, slices: TimeSlices | None = None) -> list[str]:
    """Return the lines of a text of any length, like `split_lines`."""
    slices = slices or TimeSlices()
    lines: list[str] = [""]
    start = 0
    while start < len(text):
        end = _end_of_step(text, start + STEP_CHARACTERS)
        lines.pop()
        lines += split_lines(text[start:end])
        start = end
        await slices.rest_if_due()
    return lines


def _end_of_step(text: str, start: int) -> int:
    r"""Return the end of a line not long after `start`."""
    for sign in ("\n", "\r"):
        found = text.find(sign, start, start + STEP_CHARACTERS)
        if found >= 0 and text[found : found + 2] != "\r\n":
            return found + 1
    return len(text)


def _between(lines: Sequence[str], start: LineColumn, end: LineColumn) -> list[str]:
    if start.line == end.line:
        return [lines[start.line][start.column : end.column]]
    first, last = lines[start.line][start.column :], lines[end.line][: end.column]
    return [first, *lines[start.line + 1 : end.line], last]


async def _one_by_one(
    lines: Sequence[str], edits: Edits, encoding: Encoding, slices: TimeSlices
) -> list[str]:
    copy = OpenDocument("", "", 0, list(lines))
    ends = time.perf_counter() + MAX_S
    for span, text in edits:
        start, end = sorted(copy.place(*at, encoding) for at in span)
        copy.replace(start, end, text)
        if time.perf_counter() > ends:
            raise TooSlow
        await slices.rest_if_due()
    return copy.lines
