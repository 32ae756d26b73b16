r"""Lines and columns: the client's units and ours.

Lines end where the specification says (`\n`, `\r\n`, `\r`) and nowhere else:
https://microsoft.github.io/language-server-protocol/specifications/lsp/3.18/specification/#textDocuments
"""

from __future__ import annotations

import io
from bisect import bisect_right
from itertools import accumulate
from typing import Literal, NamedTuple

Encoding = Literal["utf-8", "utf-16", "utf-32"]

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}
# Long lines are counted once in blocks of so many code points.
BLOCK = 256


class Place(NamedTuple):
    """A line and a column, the column in code points."""

    line: int
    column: int


class Span(NamedTuple):
    """A range as the client sends it: lines and columns in its own units."""

    start: tuple[int, int]
    end: tuple[int, int]


def split_lines(text: str) -> list[str]:
    r"""Lines with their ends; the last one has none and may be empty.

    >>> split_lines("a\r\nb\x0cc\n")
    ['a\r\n', 'b\x0cc\n', '']
    """
    # Files with `newline=""` split as LSP does, and at the speed of C.
    lines = list(io.StringIO(text, newline=""))
    if not lines or lines[-1].endswith(("\r", "\n")):
        lines.append("")
    return lines


def code_points(line: str, units: int, encoding: Encoding) -> int:
    """The column in code points; past the end means the end of the line's text.

    A column inside a character means the character's start.

    >>> code_points("a😀b", 3, "utf-16"), code_points("a😀b", 2, "utf-16")
    (2, 1)
    """
    content = line.rstrip("\r\n")
    if encoding == "utf-32" or content.isascii():
        return min(units, len(content))
    # No character is wider than 4 units, none takes less than one.
    content = content[:units]
    if content.isascii():
        return len(content)
    codec, unit_bytes = CODECS[encoding]
    encoded = content.encode(codec, "surrogatepass")[: units * unit_bytes]
    if len(encoded) < units * unit_bytes:
        return len(content)
    decoded = _decoded(encoded, codec)
    # Half of a surrogate pair decodes as a character that is not there.
    return len(decoded) if content.startswith(decoded) else len(decoded) - 1


def units(text: str, encoding: Encoding) -> int:
    """The length of `text` in the client's units."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    codec, unit_bytes = CODECS[encoding]
    return len(text.encode(codec, "surrogatepass")) // unit_bytes


class Columns:
    """The columns of one line, for many questions about a line of any length."""

    def __init__(self, line: str, encoding: Encoding) -> None:
        self._content = line.rstrip("\r\n")
        self._encoding = encoding
        # Where each block begins, in units; none where a unit is a code point.
        self._starts: list[int] = []
        self.n_units = len(self._content)
        if encoding != "utf-32" and not self._content.isascii():
            blocks = range(0, len(self._content), BLOCK)
            lengths = (units(self._block(first), encoding) for first in blocks)
            *self._starts, self.n_units = accumulate(lengths, initial=0)

    def code_points(self, column: int) -> int:
        """As the function `code_points`."""
        if not self._starts:
            return min(column, len(self._content))
        i = bisect_right(self._starts, min(column, self.n_units)) - 1
        first = i * BLOCK
        rest = column - self._starts[i]
        return first + code_points(self._block(first), rest, self._encoding)

    def _block(self, first: int) -> str:
        return self._content[first : first + BLOCK]


def _decoded(encoded: bytes, codec: str) -> str:
    """As text, without a last character whose bytes are cut."""
    for n_cut in range(4):
        try:
            end = len(encoded) - n_cut
            return encoded[:end].decode(codec, "surrogatepass")
        except UnicodeDecodeError:
            continue
    return encoded.decode(codec, "replace")
