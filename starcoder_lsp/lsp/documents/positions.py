r"""Converts lines and columns between the client's units and code points.

Lines end at `\n`, `\r\n` and `\r`, and nowhere else:
https://microsoft.github.io/language-server-protocol/specifications/lsp/3.18/specification/#textDocuments
"""

from __future__ import annotations

import io
from bisect import bisect_right
from itertools import accumulate
from typing import Literal, NamedTuple

Encoding = Literal["utf-8", "utf-16", "utf-32"]

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}
# Code points in a block of `Columns`.
BLOCK = 256


class LineColumn(NamedTuple):
    """A line and a column, the column in code points."""

    line: int
    column: int


class Span(NamedTuple):
    """A range in the client's units: line and column of its start and end."""

    start: tuple[int, int]
    end: tuple[int, int]


def split_lines(text: str) -> list[str]:
    r"""Return the lines with their line ends; the last one has none and may be empty.

    >>> split_lines("a\r\nb\x0cc\n")
    ['a\r\n', 'b\x0cc\n', '']
    """
    # With `newline=""` a file splits lines as LSP does, and in C.
    lines = list(io.StringIO(text, newline=""))
    if not lines or lines[-1].endswith(("\r", "\n")):
        lines.append("")
    return lines


def code_points(line: str, units: int, encoding: Encoding) -> int:
    """Convert a column to code points.

    A column beyond the end of the line means its end, and one inside a character means
    the start of the character.

    >>> code_points("a😀b", 3, "utf-16"), code_points("a😀b", 2, "utf-16")
    (2, 1)
    """
    content = line.rstrip("\r\n")
    if encoding == "utf-32" or content.isascii():
        return min(units, len(content))
    # A character takes at least one unit.
    content = content[:units]
    if content.isascii():
        return len(content)
    codec, unit_bytes = CODECS[encoding]
    encoded = content.encode(codec, "surrogatepass")[: units * unit_bytes]
    if len(encoded) < units * unit_bytes:
        return len(content)
    decoded = _decoded(encoded, codec)
    # Half of a surrogate pair decodes to a character that is not in the line.
    return len(decoded) if content.startswith(decoded) else len(decoded) - 1


def units(text: str, encoding: Encoding) -> int:
    """Return the length of `text` in the client's units."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    codec, unit_bytes = CODECS[encoding]
    return len(text.encode(codec, "surrogatepass")) // unit_bytes


class Columns:
    """Converts many columns of one line, which may be very long.

    `n_units` is the length of the line in the client's units.
    """

    def __init__(self, line: str, encoding: Encoding) -> None:
        self._content = line.rstrip("\r\n")
        self._encoding = encoding
        # The start of each block in units; empty if a unit is a code point.
        self._starts: list[int] = []
        self.n_units = len(self._content)
        if encoding != "utf-32" and not self._content.isascii():
            blocks = range(0, len(self._content), BLOCK)
            lengths = (units(self._block(first), encoding) for first in blocks)
            *self._starts, self.n_units = accumulate(lengths, initial=0)

    def code_points(self, column: int) -> int:
        """Convert a column, like the function `code_points`."""
        if not self._starts:
            return min(column, len(self._content))
        i = bisect_right(self._starts, min(column, self.n_units)) - 1
        first = i * BLOCK
        rest = column - self._starts[i]
        return first + code_points(self._block(first), rest, self._encoding)

    def units(self, column: int) -> int:
        """Convert a column in code points to the client's units."""
        if not self._starts:
            return column
        first = column // BLOCK * BLOCK
        rest = self._block(first)[: column - first]
        start = (
            self.n_units
            if first >= len(self._content)
            else self._starts[first // BLOCK]
        )
        return start + units(rest, self._encoding)

    def _block(self, first: int) -> str:
        return self._content[first : first + BLOCK]


def _decoded(encoded: bytes, codec: str) -> str:
    """Decode, without a last character whose bytes are cut off."""
    for n_cut in range(4):
        try:
            end = len(encoded) - n_cut
            return encoded[:end].decode(codec, "surrogatepass")
        except UnicodeDecodeError:
            continue
    return encoded.decode(codec, "replace")
