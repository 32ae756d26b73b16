"""Our copy of the open documents, identical to the editor's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from starcoder_lsp.context import Edit
from starcoder_lsp.flow import Document
from starcoder_lsp.languages.lines import n_common_ends
from starcoder_lsp.lsp.documents.positions import (
    Encoding,
    LineColumn,
    Span,
    code_points,
    split_lines,
)

# We keep no copy of larger documents, and suggest nothing in them.
MAX_CHARACTERS = 10_000_000


@dataclass
class OpenDocument:
    """One open document. `trouble` says why its text is not known; empty if it is.

    `indent` is one level of indentation as the editor would write it, `""` if unknown.
    """

    uri: str
    language: str
    version: int
    lines: list[str]
    trouble: str = ""
    indent: str = ""
    _snapshot: Document | None = field(default=None, repr=False)
    # The line that `offset` was last asked about, and the offset of its start.
    _line_start: tuple[int, int] = (0, 0)

    def renumber(self, version: int) -> None:
        self.version = version
        if self._snapshot is not None:
            self._snapshot = replace(self._snapshot, version=version)

    def note_indent(self, indent: str) -> None:
        self.indent = indent
        if self._snapshot is not None:
            self._snapshot = replace(self._snapshot, indent=indent)

    def edit(self, span: Span, text: str, encoding: Encoding) -> Edit:
        """Replace `span`; return the edit with offsets in code points."""
        before_it, self._snapshot = self._snapshot, None
        start, end = sorted(self.place(*at, encoding) for at in span)
        first = self.offset(start)
        inside = self.lines[start.line : end.line]
        n_replaced = sum(map(len, inside)) + end.column - start.column
        self.replace(start, end, text)
        if before_it is not None:
            # Faster than joining all lines again.
            old = before_it.text
            self._take(old[:first] + text + old[first + n_replaced :])
        return Edit(first, first + n_replaced, text)

    def replace_all(self, lines: list[str]) -> Edit:
        """Replace all lines; return an edit of what differs."""
        self._snapshot, self._line_start = None, (0, 0)
        old, self.lines = self.lines, lines
        n_before, n_after = n_common_ends(old, lines)
        start = sum(map(len, old[:n_before]))
        replaced = "".join(old[n_before : len(old) - n_after])
        text = "".join(lines[n_before : len(lines) - n_after])
        n_first, n_last = n_common_ends(replaced, text)
        start, end = start + n_first, start + len(replaced) - n_last
        return Edit(start, end, text[n_first : len(text) - n_last])

    def place(self, line: int, column: int, encoding: Encoding) -> LineColumn:
        """Convert a client's position, clamped to the document."""
        if line >= len(self.lines):
            return LineColumn(len(self.lines) - 1, len(self.lines[-1]))
        return LineColumn(line, code_points(self.lines[line], column, encoding))

    def offset(self, place: LineColumn) -> int:
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

    def replace(self, start: LineColumn, end: LineColumn, text: str) -> None:
        """Replace the text between two places."""
        before = self.lines[start.line][: start.column]
        after = self.lines[end.line][end.column :]
        self._replace_lines(start.line, end.line + 1, before + text + after)

    def _take(self, text: str) -> None:
        self._snapshot = Document(
            text, self.uri, self.language, self.version, self.indent
        )

    def _replace_lines(self, first: int, last: int, text: str) -> None:
        """Replace the lines from `first` up to, but not including, `last`."""
        # The edit may join a \r and a \n of neighbouring lines into one line end.
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
    """The documents that the client has open, by URI.

    A document is lost when our text may differ from the editor's. `get` does not return
    it until it is opened again or replaced as a whole.
    """

    def __init__(self) -> None:
        self._open: dict[str, OpenDocument] = {}
        self._lost: dict[str, OpenDocument] = {}

    def __iter__(self) -> Iterator[OpenDocument]:
        return iter(tuple(self._open.values()))

    def open(self, document: OpenDocument) -> None:
        self.close(document.uri)
        self._open[document.uri] = document

    def close(self, uri: str) -> None:
        self._open.pop(uri, None)
        self._lost.pop(uri, None)

    def get(self, uri: str) -> OpenDocument | None:
        return self._open.get(uri)

    def find(self, uri: str) -> OpenDocument | None:
        """Return a document that is open, which may be lost."""
        return self._open.get(uri) or self._lost.get(uri)

    def lose(self, document: OpenDocument, trouble: str) -> None:
        """Forget the text of a document, because it may differ from the editor's."""
        self._open.pop(document.uri, None)
        lost = OpenDocument(
            document.uri, document.language, document.version, [""], trouble
        )
        self._lost[document.uri] = lost
