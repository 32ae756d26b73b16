"""Ignores the closing brackets and quotes that the editor inserts after the cursor.

In a suffix-first prompt an inserted bracket changes the text near the start, and the KV
cache is lost. The prompt therefore keeps the suffix as it was before the user opened the
bracket on this line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from starcoder_lsp.flow import Cursor
from starcoder_lsp.runtime.bounded_dict import BoundedDict

CLOSERS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}
QUOTES = frozenset("\"'`")
MAX_DOCUMENTS = 8


@dataclass(frozen=True)
class _Line:
    """The text around the cursor when the user began to type on a line.

    `above` is everything before the line, `begin` the line up to the cursor.
    """

    above: str
    begin: str
    suffix: str


class AutoCloseFilter:
    """Remembers, for each document, the line that is being typed."""

    def __init__(self) -> None:
        self._lines: BoundedDict[str, _Line] = BoundedDict(MAX_DOCUMENTS)

    def apply(self, cursor: Cursor) -> Cursor:
        """Return `cursor` without inserted closers, and remember its line."""
        uri = cursor.document.uri
        line = self._lines.get(uri)
        self._lines[uri] = kept = self._kept(line, cursor) or _begun(cursor)
        return _with_suffix(cursor, kept.suffix)

    def preview(self, cursor: Cursor) -> Cursor:
        """Return what `apply` would return, and remember nothing."""
        kept = self._kept(self._lines.get(cursor.document.uri), cursor)
        return _with_suffix(cursor, kept.suffix) if kept else cursor

    def forget(self, uri: str) -> None:
        self._lines.pop(uri, None)

    @staticmethod
    def _kept(line: _Line | None, cursor: Cursor) -> _Line | None:
        """Return `line` if only closers were inserted since; otherwise None."""
        if line is None or not cursor.suffix.endswith(line.suffix):
            return None
        if not cursor.line_prefix.startswith(line.begin):
            return None
        if cursor.prefix[: -len(cursor.line_prefix) or None] != line.above:
            return None
        inserted = cursor.suffix[: len(cursor.suffix) - len(line.suffix)]
        due = closers_due(cursor.line_prefix[len(line.begin) :])
        return line if _is_subsequence(inserted, due) else None


def closers_due(typed: str) -> str:
    """Return the closers of everything that `typed` leaves open, the innermost first.

    >>> closers_due('f(x, ["a'), closers_due("f()"), closers_due("'[")
    ('"])', '', "'")
    """
    due: list[str] = []
    for character in typed:
        if due and character == due[-1]:
            due.pop()
        elif character in CLOSERS and not (due and due[-1] in QUOTES):
            due.append(CLOSERS[character])
    return "".join(reversed(due))


def _with_suffix(cursor: Cursor, suffix: str) -> Cursor:
    if suffix == cursor.suffix:
        return cursor
    document = replace(cursor.document, text=cursor.prefix + suffix)
    return replace(cursor, document=document)


def _begun(cursor: Cursor) -> _Line:
    above = cursor.prefix[: len(cursor.prefix) - len(cursor.line_prefix)]
    return _Line(above, cursor.line_prefix, cursor.suffix)


def _is_subsequence(some: str, of: str) -> bool:
    """Return whether `some` is `of` with some characters left out."""
    left = iter(of)
    return all(character in left for character in some)
