"""Knows the closing brackets and quotes that the editor has inserted after the cursor.

The client's edits tell them: one edit inserts an opener with its closer, or a second one
puts the closer right behind the opener. A suggestion may then replace exactly these.

The model does not read them. In a suffix-first prompt an inserted bracket changes the text near the start, and the KV
cache is lost. The prompt therefore keeps the suffix as it was before the user opened the
bracket on this line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starcoder_lsp.context import Edit
from starcoder_lsp.flow import Cursor
from starcoder_lsp.runtime.bounded_dict import BoundedDict

CLOSERS = {
    "(": ")", "[": "]", "{": "}", "<": ">", '"': '"', "'": "'", "`": "`", "|": "|"
}  # fmt: skip
QUOTES = frozenset("\"'`")
MAX_DOCUMENTS = 8
# Inserted closers that are remembered for each document, and the longest edit with one.
MAX_MARKS = 64
LONGEST_PAIR = 8


@dataclass(frozen=True)
class _Line:
    """The text around the cursor when the user began to type on a line.

    `above` is everything before the line, `begin` the line up to the cursor.
    """

    above: str
    begin: str
    suffix: str


@dataclass(frozen=True)
class _Marks:
    """The offsets of inserted closers, and the opener that the last edit inserted.

    `due` is the offset behind that opener and its closer, `(-1, "")` for none.
    """

    offsets: frozenset[int] = frozenset()
    due: tuple[int, str] = (-1, "")

    def after(self, edit: Edit) -> _Marks:
        """Return the marks after one more edit."""
        moved = len(edit.text) - (edit.end - edit.start)
        kept = {at for at in self.offsets if at < edit.start}
        kept |= {at + moved for at in self.offsets if at >= edit.end}
        found = range(0)
        if edit.end == edit.start and len(edit.text) <= LONGEST_PAIR:
            found = self._closers_in(edit)
        newest = sorted({*kept, *found})[-MAX_MARKS:]
        return _Marks(frozenset(newest), self._due_after(edit, moved))

    def _closers_in(self, edit: Edit) -> range:
        """Return the offsets of the closers that an insertion brings."""
        if (edit.start, edit.text) == self.due:
            return range(edit.start, edit.start + len(edit.text))
        n_openers = len(edit.text) // 2
        openers, closers = edit.text[:n_openers], edit.text[n_openers:]
        is_pair = bool(openers) and closers_due(openers) == closers
        return range(edit.start + n_openers, edit.start + len(edit.text) * is_pair)

    def _due_after(self, edit: Edit, moved: int) -> tuple[int, str]:
        closer = CLOSERS.get(edit.text, "")
        is_typed = edit.start == edit.end and bool(closer)
        return (edit.start + moved, closer) if is_typed else (-1, "")


class AutoCloseFilter:
    """Remembers, for each document, inserted closers and the line that is being typed."""

    def __init__(self) -> None:
        self._lines: BoundedDict[str, _Line] = BoundedDict(MAX_DOCUMENTS)
        self._marks: BoundedDict[str, _Marks] = BoundedDict(MAX_DOCUMENTS)

    def note_edits(self, uri: str, edits: Sequence[Edit]) -> None:
        """Note the changes of one version of a document, in their order."""
        marks = self._marks.get(uri) or _Marks()
        for edit in edits:
            marks = marks.after(edit)
        self._marks[uri] = marks

    def apply(self, cursor: Cursor) -> Cursor:
        """Return `cursor` without inserted closers, and remember its line."""
        kept = self._line_at(cursor)
        self._lines[cursor.document.uri] = kept
        return _with_suffix(cursor, kept.suffix)

    def preview(self, cursor: Cursor) -> Cursor:
        """Return what `apply` would return, and remember nothing."""
        return _with_suffix(cursor, self._line_at(cursor).suffix)

    def forget(self, uri: str) -> None:
        self._lines.pop(uri, None)
        self._marks.pop(uri, None)

    def _line_at(self, cursor: Cursor) -> _Line:
        n_marked = self._n_marked(cursor)
        kept = self._kept(self._lines.get(cursor.document.uri), cursor)
        if kept is None or len(cursor.suffix) - len(kept.suffix) < n_marked:
            return _begun(cursor, n_marked)
        return kept

    def _n_marked(self, cursor: Cursor) -> int:
        """Return how many characters right of the cursor the editor has inserted."""
        offsets = (self._marks.get(cursor.document.uri) or _Marks()).offsets
        end = cursor.offset
        while end in offsets:
            end += 1
        return end - cursor.offset

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


def _begun(cursor: Cursor, n_inserted: int) -> _Line:
    above = cursor.prefix[: len(cursor.prefix) - len(cursor.line_prefix)]
    return _Line(above, cursor.line_prefix, cursor.suffix[n_inserted:])


def _is_subsequence(some: str, of: str) -> bool:
    """Return whether `some` is `of` with some characters left out."""
    left = iter(of)
    return all(character in left for character in some)
