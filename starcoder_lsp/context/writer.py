"""Writes what is known of a file: all of it once, then only what an edit has changed."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence

from starcoder_lsp.context.chunks import words_of
from starcoder_lsp.context.entries import Entry, Row

INSERT_FILE = (
    "INSERT INTO file (module, language, package, is_complete, path) "
    "VALUES (?, ?, ?, ?, ?)"
)
UPDATE_FILE = (
    "UPDATE file SET module = ?, language = ?, package = ?, is_complete = ? "
    "WHERE path = ?"
)
# A question mark per column.
MARKS = {"definition": ", ".join("?" * 11), "import": ", ".join("?" * 6)}


class Writer:
    """Most of a file outlives most edits: rows that say the same are left alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = connection

    def file_id(self, path: str) -> int | None:
        row = self._rows.execute("SELECT id FROM file WHERE path = ?", (path,))
        found = row.fetchone()
        return found[0] if found else None

    def put(self, path: str, module: str, entry: Entry) -> None:
        """Know `path` as it is now."""
        file_id = self.file_id(path)
        row = (module, entry.language, entry.package, entry.is_complete, path)
        is_new = file_id is None
        if file_id is None:
            file_id = self._rows.execute(INSERT_FILE, row).lastrowid
            assert file_id is not None
        else:
            self._rows.execute(UPDATE_FILE, row)
        self._put_listed("definition", file_id, entry.definitions, is_new)
        self._put_listed("import", file_id, entry.imports, is_new)
        if is_new:
            self._add_chunks(file_id, entry.chunks, entry.words)
        else:
            self._replace_chunks(file_id, entry.chunks)

    def _put_listed(
        self, table: str, file_id: int, rows: Sequence[Row], is_new: bool
    ) -> None:
        """Rows that are known by their place in the file."""
        numbered: Iterable[tuple[int, Row]] = enumerate(rows)
        if not is_new:
            known = self._rows.execute(
                f"SELECT * FROM {table} WHERE file_id = ? ORDER BY ordinal", (file_id,)
            ).fetchall()
            numbered = [
                (i, row)
                for i, row in enumerate(rows)
                if i >= len(known) or list(known[i][2:]) != row
            ]
            if len(known) > len(rows):
                self._rows.execute(
                    f"DELETE FROM {table} WHERE file_id = ? AND ordinal >= ?",
                    (file_id, len(rows)),
                )
        self._rows.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES ({MARKS[table]})",
            ((file_id, i, *row) for i, row in numbered),
        )

    def _add_chunks(
        self, file_id: int, added: Sequence[Row], words: Sequence[str] | None = None
    ) -> None:
        (last,) = self._rows.execute("SELECT max(id) FROM chunk").fetchone()
        if words is None:
            words = [words_of(text) for _, _, text in added]
        numbered = list(enumerate(zip(added, words, strict=True), (last or 0) + 1))
        self._rows.executemany(
            "INSERT INTO chunk VALUES (?, ?, ?, ?, ?, ?)",
            (
                (chunk_id, file_id, first_line, last_line, found.count(" ") + 1, text)
                for chunk_id, ((first_line, last_line, text), found) in numbered
            ),
        )
        self._rows.executemany(
            "INSERT INTO term (rowid, words) VALUES (?, ?)",
            ((chunk_id, found) for chunk_id, (_, found) in numbered),
        )

    def _replace_chunks(self, file_id: int, wanted: Iterable[Row]) -> None:
        """Those whose text is there keep their rows, perhaps on other lines."""
        there: defaultdict[str, list[tuple[int, int, int]]] = defaultdict(list)
        rows = self._rows.execute(
            "SELECT text, id, first_line, last_line FROM chunk WHERE file_id = ? "
            "ORDER BY first_line DESC",
            (file_id,),
        )
        for text, *place in rows:
            there[text].append(tuple(place))
        added, moved = [], []
        for chunk in wanted:
            first_line, last_line, text = chunk
            if not there[text]:
                added.append(chunk)
                continue
            chunk_id, *span = there[text].pop()
            if span != [first_line, last_line]:
                moved.append((first_line, last_line, chunk_id))
        self._rows.executemany(
            "UPDATE chunk SET first_line = ?, last_line = ? WHERE id = ?", moved
        )
        gone = [(each[0], text) for text, left in there.items() for each in left]
        self._remove_chunks(gone)
        self._add_chunks(file_id, added)

    def _remove_chunks(self, gone: Iterable[tuple[int, str]]) -> None:
        rows = [(chunk_id, words_of(text)) for chunk_id, text in gone]
        self._rows.executemany(
            "INSERT INTO term (term, rowid, words) VALUES ('delete', ?, ?)", rows
        )
        self._rows.executemany(
            "DELETE FROM chunk WHERE id = ?", ((chunk_id,) for chunk_id, _ in rows)
        )

    def remove(self, path: str) -> None:
        """Forget `path`; does nothing where it is not known."""
        file_id = self.file_id(path)
        if file_id is None:
            return
        self._replace_chunks(file_id, ())
        for table in ("definition", "import"):
            self._rows.execute(f"DELETE FROM {table} WHERE file_id = ?", (file_id,))
        self._rows.execute("DELETE FROM file WHERE id = ?", (file_id,))
