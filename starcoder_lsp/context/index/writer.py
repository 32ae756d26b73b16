"""Writes files to the index: whole at first, later only the words that an edit changed."""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from starcoder_lsp.context.index.chunks import ChunkSpan, texts_of
from starcoder_lsp.context.index.entry import (
    Entry,
    Name,
    definitions_from,
    names_of,
    parts_in,
    spans_from,
)
from starcoder_lsp.context.index.stored_rows import decoding

# The row of a chunk in `term` is its file's id and its number in the file.
NUMBER_BITS = 20
MAX_NUMBER = (1 << NUMBER_BITS) - 1

INSERT_FILE = (
    "INSERT INTO file (module, language, package, is_complete, n_definitions, n_chunks,"
    " path) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
UPDATE_FILE = (
    "UPDATE file SET module = ?, language = ?, package = ?, is_complete = ?, "
    "n_definitions = ?, n_chunks = ? WHERE path = ?"
)
DELETE_TERMS = "INSERT INTO term (term, rowid, text, parts) VALUES ('delete', ?, ?, ?)"

CONFIGURE = "INSERT INTO term (term, rank) VALUES (?, ?)"
# SQLite merges this many parts of one size while it writes, some pages at a time; at 16
# it would merge all of them at once (https://sqlite.org/fts5.html, "automerge").
NEW_AUTOMERGE, USUAL_AUTOMERGE = 12, 4
# Writing this many pages takes about two milliseconds.
JOINED_PAGES = 16


class Words(NamedTuple):
    """The words by which a chunk is found."""

    text: str
    parts: str


class IndexChange(NamedTuple):
    """The effect of a write beyond the file itself.

    `n_chunks` is the change in the number of chunks. `concerns_others` means that
    cached answers of the `FileTable` may have changed.
    """

    n_chunks: int = 0
    concerns_others: bool = False


class Writer:
    """Writes entries. Chunks whose words did not change keep their numbers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = connection
        self._is_joining = False

    def join_later(self) -> None:
        """Merge parts of a new full-text index rarely while it is being filled."""
        if self._automerge() is None:
            self._rows.execute(CONFIGURE, ("automerge", NEW_AUTOMERGE))

    def join_some(self) -> bool:
        """Merge some parts of a new full-text index; return whether more are left.

        The command `merge` of FTS5 begins to merge everything when its number is
        negative, and changes a row for each step (https://sqlite.org/fts5.html). From
        then on, SQLite merges parts of one size with each write.
        """
        if self._automerge() != NEW_AUTOMERGE:
            return False
        before = self._rows.total_changes
        n_pages = JOINED_PAGES if self._is_joining else -JOINED_PAGES
        self._rows.execute(CONFIGURE, ("merge", n_pages))
        self._is_joining = self._rows.total_changes - before > 1
        if not self._is_joining:
            self._rows.execute(CONFIGURE, ("automerge", USUAL_AUTOMERGE))
        return self._is_joining

    def _automerge(self) -> int | None:
        rows = "SELECT v FROM term_config WHERE k = 'automerge'"
        row = self._rows.execute(rows).fetchone()
        return row[0] if row else None

    def put(self, path: str, module: str, entry: Entry) -> IndexChange:
        """Store `path` as it is now."""
        row = (
            module, entry.language, entry.package, entry.is_complete,
            entry.n_definitions, len(entry.parts), path,
        )  # fmt: skip
        wanted = words_of(entry.text, spans_from(entry.chunks), entry.parts)
        if (known := self._known(path)) is None:
            file_id = self._rows.execute(INSERT_FILE, row).lastrowid
            assert file_id is not None
            numbers: Sequence[int] = range(len(wanted))
            self._add_names(file_id, entry.names)
            self._add_words(file_id, zip(numbers, wanted, strict=True))
            change = IndexChange(len(wanted), concerns_others=True)
        else:
            file_id, package, n_chunks = known
            self._rows.execute(UPDATE_FILE, row)
            numbers, has_other_names = self._replace(file_id, entry.names, wanted)
            change = IndexChange(
                len(wanted) - n_chunks, has_other_names or package != entry.package
            )
        content = (entry.chunks, entry.imports, entry.definitions, entry.text)
        self._rows.execute(
            "INSERT OR REPLACE INTO content VALUES (?, ?, ?, ?, ?, ?)",
            (file_id, array("I", numbers).tobytes(), *content),
        )
        return change

    def remove(self, path: str) -> IndexChange:
        """Remove `path`, if it is there."""
        if (known := self._known(path)) is None:
            return IndexChange()
        file_id, _, n_chunks = known
        self._replace(file_id, (), ())
        self._rows.execute("DELETE FROM content WHERE file_id = ?", (file_id,))
        self._rows.execute("DELETE FROM file WHERE id = ?", (file_id,))
        return IndexChange(-n_chunks, concerns_others=True)

    def _known(self, path: str) -> tuple[int, str, int] | None:
        """Return id, package and number of chunks of a stored file; None if it is new."""
        rows = self._rows.execute(
            "SELECT id, package, n_chunks FROM file WHERE path = ?", (path,)
        )
        known: tuple[int, str, int] | None = rows.fetchone()
        return known

    def _replace(
        self, file_id: int, names: Iterable[Name], wanted: Sequence[Words]
    ) -> tuple[list[int], bool]:
        """Write what differs from the stored file.

        Return the numbers of its chunks, and whether its defined names changed.
        """
        named, there = self._stored(file_id)
        now_named = set(map(tuple, names))
        self._replace_names(file_id, named, now_named)  # type: ignore[arg-type]  # JSON has lists
        return self._replace_words(file_id, there, wanted), named != now_named

    def _stored(self, file_id: int) -> tuple[set[Name], dict[int, Words]]:
        """Read the names of a file, and the words of its chunks by their numbers."""
        row = self._rows.execute(
            "SELECT numbers, chunks, definitions, text FROM content WHERE file_id = ?",
            (file_id,),
        ).fetchone()
        with decoding():
            numbers, chunks, definitions, text = row
            known, cut = definitions_from(definitions), spans_from(chunks)
            words = words_of(text, cut, parts_in(cut, known))
            kept = zip(memoryview(numbers).cast("I"), words, strict=True)
            return set(names_of(known)), dict(kept)

    def _replace_names(self, file_id: int, known: set[Name], wanted: set[Name]) -> None:
        self._rows.executemany(
            "DELETE FROM name WHERE name = ? AND file_id = ?",
            ((name, file_id) for name, _ in known - wanted),
        )
        self._add_names(file_id, sorted(wanted - known))

    def _replace_words(
        self, file_id: int, there: dict[int, Words], wanted: Sequence[Words]
    ) -> list[int]:
        """Write changed chunks; one that exists keeps its number, wherever it moved."""
        free: defaultdict[Words, list[int]] = defaultdict(list)
        for number in sorted(there, reverse=True):
            free[there[number]].append(number)
        kept = [free[each].pop() if free[each] else None for each in wanted]
        gone = [number for left in free.values() for number in left]
        last = max(there, default=-1)
        if last + kept.count(None) > MAX_NUMBER:
            # After hours of edits, the numbers run out: all chunks get new ones.
            kept, gone, last = [None] * len(wanted), list(there), -1
        self._rows.executemany(
            DELETE_TERMS, ((_row(file_id, n), *there[n]) for n in gone)
        )
        numbers = list(_numbered(kept, last))
        added = [
            (number, each)
            for number, each, known in zip(numbers, wanted, kept, strict=True)
            if known is None
        ]
        self._add_words(file_id, added)
        return numbers

    def _add_names(self, file_id: int, names: Iterable[Name]) -> None:
        self._rows.executemany(
            "INSERT INTO name VALUES (?, ?, ?)",
            ((name, file_id, is_member) for name, is_member in names),
        )

    def _add_words(self, file_id: int, added: Iterable[tuple[int, Words]]) -> None:
        self._rows.executemany(
            "INSERT INTO term (rowid, text, parts) VALUES (?, ?, ?)",
            ((_row(file_id, number), *words) for number, words in added),
        )


def _row(file_id: int, number: int) -> int:
    return file_id << NUMBER_BITS | number


def _numbered(kept: Iterable[int | None], last: int) -> Iterator[int]:
    for number in kept:
        if number is None:
            last += 1
        yield last if number is None else number


def words_of(text: str, cut: Sequence[ChunkSpan], parts: Iterable[str]) -> list[Words]:
    return list(map(Words, texts_of(text, cut), parts))
