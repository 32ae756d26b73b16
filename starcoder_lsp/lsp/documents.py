r"""Open documents, exactly as the editor has them.

Lines end where the specification says (`\n`, `\r\n`, `\r`) and nowhere else; pygls'
own store also splits at form feeds and U+2028, and then diverges for good.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from starcoder_lsp.context import Edit
from starcoder_lsp.flow import Document

logger = logging.getLogger(__name__)

Encoding = Literal["utf-8", "utf-16", "utf-32"]

CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


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
    lines = LINE.findall(text)
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
    """How long `text` is for the client."""
    if encoding == "utf-32" or text.isascii():
        return len(text)
    codec, unit_bytes = CODECS[encoding]
    return len(text.encode(codec, "surrogatepass")) // unit_bytes


def _decoded(encoded: bytes, codec: str) -> str:
    """As text, without a last character whose bytes are cut."""
    for n_cut in range(4):
        try:
            end = len(encoded) - n_cut
            return encoded[:end].decode(codec, "surrogatepass")
        except UnicodeDecodeError:
            continue
    return encoded.decode(codec, "replace")


@dataclass
class OpenDocument:
    uri: str
    language: str
    version: int
    lines: list[str]
    _snapshot: Document | None = field(default=None, repr=False)
    # The line asked about last, and the offset of its start.
    _line_start: tuple[int, int] = (0, 0)

    def edit(self, span: Span | None, text: str, encoding: Encoding) -> Edit:
        """Replace `span`, or everything; what was done, in code points."""
        before_it, self._snapshot = self._snapshot, None
        if span is None:
            self._line_start = (0, 0)
            n_before = sum(map(len, self.lines))
            self.lines = split_lines(text)
            return Edit(0, n_before, text)
        start, end = sorted(self.place(*at, encoding) for at in span)
        first = self.offset(start)
        inside = self.lines[start.line : end.line]
        n_replaced = sum(map(len, inside)) + end.column - start.column
        before = self.lines[start.line][: start.column]
        after = self.lines[end.line][end.column :]
        self._replace(start.line, end.line + 1, before + text + after)
        if before_it is not None:
            # Cheaper than to join all lines again.
            old = before_it.text
            self._take(old[:first] + text + old[first + n_replaced :])
        return Edit(first, first + n_replaced, text)

    def place(self, line: int, column: int, encoding: Encoding) -> Place:
        """A client's position, clamped into the document."""
        if line >= len(self.lines):
            return Place(len(self.lines) - 1, len(self.lines[-1]))
        return Place(line, code_points(self.lines[line], column, encoding))

    def offset(self, place: Place) -> int:
        line, start = self._line_start
        if place.line < line:
            start -= sum(map(len, self.lines[place.line : line]))
        else:
            start += sum(map(len, self.lines[line : place.line]))
        self._line_start = place.line, start
        return start + place.column

    def snapshot(self) -> Document:
        if self._snapshot is None:
            self._take("".join(self.lines))
        assert self._snapshot is not None
        return self._snapshot

    def _take(self, text: str) -> None:
        self._snapshot = Document(text, self.uri, self.language, self.version)

    def _replace(self, first: int, last: int, text: str) -> None:
        """Put `text` in place of the lines from `first` up to `last`, not included."""
        # An edit can bring a \r and a \n of neighbouring lines together.
        if first > 0 and self.lines[first - 1].endswith("\r") and text[:1] == "\n":
            first -= 1
            text = self.lines[first] + text
            self._line_start = (0, 0)
        if (
            last < len(self.lines)
            and text[-1:] == "\r"
            and self.lines[last][:1] == "\n"
        ):
            text += self.lines[last]
            last += 1
        lines = split_lines(text)
        if last < len(self.lines):
            lines.pop()
        self.lines[first:last] = lines


class Documents:
    """The documents the client has open, by URI."""

    def __init__(self) -> None:
        self._open: dict[str, OpenDocument] = {}
        self._has_complained = False

    def __iter__(self) -> Iterator[OpenDocument]:
        return iter(tuple(self._open.values()))

    def open(self, uri: str, language: str, version: int, text: str) -> None:
        self._open[uri] = OpenDocument(uri, language, version, split_lines(text))

    def close(self, uri: str) -> None:
        self._open.pop(uri, None)

    def get(self, uri: str) -> OpenDocument | None:
        return self._open.get(uri)

    def change(
        self,
        uri: str,
        version: int,
        edits: list[tuple[Span | None, str]],
        encoding: Encoding,
    ) -> list[Edit]:
        """The edits that were made, each in the text that the one before left."""
        document = self._open.get(uri)
        if document is None:
            if not self._has_complained:
                logger.warning("changes to a document that is not open are ignored")
            self._has_complained = True
            return []
        if version < document.version:
            logger.warning("a document went back to version %s", version)
        document.version = version
        return [document.edit(span, text, encoding) for span, text in edits]
