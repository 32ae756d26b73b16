"""Finds the places of many edits in the text before all of them.

The positions of each edit refer to the text that the previous edit left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starcoder_lsp.lsp.documents.positions import (
    Columns,
    Encoding,
    LineColumn,
    Span,
    split_lines,
    units,
)
from starcoder_lsp.lsp.time_slices import TimeSlices

Edits = Sequence[tuple[Span, str]]
# Line and column in the client's units.
Position = tuple[int, int]
Place = tuple[LineColumn, LineColumn]


async def places_of(
    edits: Edits, lines: Sequence[str], encoding: Encoding, slices: TimeSlices
) -> list[tuple[Place, str]] | None:
    """Return the start, the end and the text of each edit, in the order of the text.

    None if the edits neither all go back nor all go forth, or if one of them has a
    position that is not in the text, or may change how the text is divided into lines.
    """
    texts = [text for _, text in edits]
    if (places := await _going_back(edits, lines, encoding, slices)) is not None:
        return list(zip(places, texts, strict=True))[::-1]
    if (places := await _going_forth(edits, lines, encoding, slices)) is not None:
        return list(zip(places, texts, strict=True))
    return None


async def _going_back(
    edits: Edits, lines: Sequence[str], encoding: Encoding, slices: TimeSlices
) -> list[Place] | None:
    """Return the places; None unless each lies before the previous one."""
    finder = _Finder(lines, encoding)
    places: list[Place] = []
    for span, _ in edits:
        start, end = sorted(finder.place(at) for at in span)
        # An edit after a \r can make it half of a line end, which renumbers lines. A
        # clamped position may be a valid one by the time its edit applies.
        if finder.is_after_return(start) or (places and finder.has_clamped):
            return None
        if places and end > places[-1][0]:
            return None
        places.append((start, end))
        finder.has_clamped = False
        await slices.rest_if_due()
    return places


async def _going_forth(
    edits: Edits, lines: Sequence[str], encoding: Encoding, slices: TimeSlices
) -> list[Place] | None:
    """Return the places; None unless each lies behind the text of the previous one."""
    finder, shift = _Finder(lines, encoding), _Shift()
    places: list[Place] = []
    for span, text in edits:
        first, last = sorted(span)
        before = shift.undone(first), shift.undone(last)
        if before[0] is None or before[1] is None or text.endswith("\r"):
            return None
        start, end = finder.place(before[0]), finder.place(before[1])
        if finder.is_after_return(start) or finder.has_clamped or finder.has_rounded:
            return None
        places.append((start, end))
        shift = _Shift(_end_of(text, first, encoding), before[1])
        await slices.rest_if_due()
    return places


@dataclass(frozen=True)
class _Shift:
    """The end of an edit: in the text after it, and in the text before all edits."""

    after: Position = (0, 0)
    before: Position = (0, 0)

    def undone(self, at: Position) -> Position | None:
        """Return the position before all edits of one behind the edit."""
        (line, column), (after_line, after_column) = at, self.after
        if at < self.after:
            return None
        before_line, before_column = self.before
        if line == after_line:
            return before_line, column - after_column + before_column
        return line - after_line + before_line, column


def _end_of(text: str, start: Position, encoding: Encoding) -> Position:
    """Return the end of `text` that was inserted at `start`."""
    *above, last = split_lines(text)
    n_units = units(last, encoding)
    return start[0] + len(above), n_units + (0 if above else start[1])


@dataclass
class _Finder:
    """Converts positions in lines that do not change.

    It notes whether a position was beyond a line or the text, or inside a character.
    """

    lines: Sequence[str]
    encoding: Encoding
    has_clamped: bool = False
    has_rounded: bool = False
    _line: int = -1
    _columns: Columns | None = None

    def place(self, at: Position) -> LineColumn:
        line, column = at
        if line >= len(self.lines):
            self.has_clamped = True
            return LineColumn(len(self.lines) - 1, len(self.lines[-1]))
        if self._columns is None or self._line != line:
            self._columns = Columns(self.lines[line], self.encoding)
            self._line = line
        self.has_clamped |= column > self._columns.n_units
        found = self._columns.code_points(column)
        self.has_rounded |= self._columns.units(found) < column
        return LineColumn(line, found)

    def is_after_return(self, place: LineColumn) -> bool:
        is_line_start = place.column == 0 and place.line > 0
        return is_line_start and self.lines[place.line - 1].endswith("\r")
