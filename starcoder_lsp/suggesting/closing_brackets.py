"""Keeps the text after the cursor as it was while the user types on one line.

An editor that inserts a closing bracket would make every prompt that reads the suffix
first a new one. Those it inserted for what was typed are left out of what is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from starcoder_lsp.flow import Cursor
from starcoder_lsp.runtime.bounded_dict import Newest

CLOSERS = {"(": ")", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}
QUOTES = frozenset("\"'`")
MAX_DOCUMENTS = 8


@dataclass(frozen=True)
class _Line:
    """Where typing on a line began: what stood above, before and after the cursor."""

    above: str
    begin: str
    suffix: str


class Freezer:
    """Remembers, per document, the line that is being typed."""

    def __init__(self) -> None:
        self._lines: Newest[str, _Line] = Newest(MAX_DOCUMENTS)

    def frozen(self, cursor: Cursor) -> Cursor:
        """The cursor as the model should see it: without what the editor closed."""
        uri = cursor.document.uri
        line = self._lines.get(uri)
        self._lines[uri] = kept = self._kept(line, cursor) or _begun(cursor)
        return _before(cursor, kept.suffix)

    def foreseen(self, cursor: Cursor) -> Cursor:
        """As `frozen`, of a cursor that may come to be."""
        kept = self._kept(self._lines.get(cursor.document.uri), cursor)
        return _before(cursor, kept.suffix) if kept else cursor

    def forget(self, uri: str) -> None:
        self._lines.pop(uri, None)

    @staticmethod
    def _kept(line: _Line | None, cursor: Cursor) -> _Line | None:
        """The line as it was, as long as only closers have come after the cursor."""
        if line is None or not cursor.suffix.endswith(line.suffix):
            return None
        if not cursor.line_prefix.startswith(line.begin):
            return None
        if cursor.prefix[: -len(cursor.line_prefix) or None] != line.above:
            return None
        inserted = cursor.suffix[: len(cursor.suffix) - len(line.suffix)]
        due = closers_due(cursor.line_prefix[len(line.begin) :])
        return line if _is_in_order(inserted, due) else None


def closers_due(typed: str) -> str:
    """What closes all that `typed` leaves open, the innermost first.

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


def _before(cursor: Cursor, suffix: str) -> Cursor:
    """The cursor with another text after it."""
    if suffix == cursor.suffix:
        return cursor
    document = replace(cursor.document, text=cursor.prefix + suffix)
    return replace(cursor, document=document)


def _begun(cursor: Cursor) -> _Line:
    above = cursor.prefix[: len(cursor.prefix) - len(cursor.line_prefix)]
    return _Line(above, cursor.line_prefix, cursor.suffix)


def _is_in_order(some: str, all_of_them: str) -> bool:
    """Whether `some` is what is left of `all_of_them` when a few are missing."""
    left = iter(all_of_them)
    return all(character in left for character in some)
