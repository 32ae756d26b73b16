"""One workspace folder in the index: what is known of each file, and what has changed."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from starcoder_lsp.context.index import database
from starcoder_lsp.context.index.entry import Entry
from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.index.version import index_version

logger = logging.getLogger(__name__)

SOURCE_TABLE = """
CREATE TABLE IF NOT EXISTS source (
    path TEXT PRIMARY KEY, stamp TEXT NOT NULL, digest TEXT NOT NULL, reason TEXT
) WITHOUT ROWID
"""
COMMIT_S = 0.5
# An index that is damaged more often than this is kept in memory.
MAX_REBUILDS = 5
REBUILD_WINDOW_S = 600.0
T = TypeVar("T")
CRASHES = "crashes its parser"


class FileState(NamedTuple):
    """The state of a file when it was last read; `reason` tells why it is not indexed."""

    stamp: str
    digest: str
    reason: str | None = None


class Folder:
    """The index of one root; an error of the database ends in another database.

    One process writes, the others see what it writes as soon as it is committed.
    `on_renewed` is called when this process writes to another database than before,
    which may lack any file.
    """

    def __init__(
        self, root: str, cache: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.root = root
        self.on_renewed: Callable[[], None] = lambda: None
        # Of the writer alone.
        self.sources: dict[str, FileState] = {}
        self.crashing: set[str] = set()
        self._cache = cache
        self._clock = clock
        self._since: float | None = None
        self._rebuilt_at: deque[float] = deque(maxlen=MAX_REBUILDS)
        self._open_on_disk()

    @property
    def is_writer(self) -> bool:
        return self._database.is_writer

    @property
    def is_in_memory(self) -> bool:
        return self._database.file is None

    @property
    def is_waiting(self) -> bool:
        """True if this reader has nothing to read yet, or no longer."""
        return self._database.is_waiting

    def _open(self, opened: database.Database) -> None:
        self._database = opened
        self._since = None
        self.sources, self.crashing = {}, set()
        try:
            self.index = Index(opened.connection)
            if opened.is_writer or opened.is_waiting:
                opened.connection.execute(SOURCE_TABLE)
            if opened.is_writer:
                self._read_sources(opened.connection)
                self.on_renewed()
        except sqlite3.Error as exc:
            self._recover(exc)

    def _read_sources(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT * FROM source")
        self.sources = {path: FileState(*source) for path, *source in rows}
        crashing = (one for one in self.sources.values() if one.reason == CRASHES)
        self.crashing = {one.digest for one in crashing}

    def _open_on_disk(self) -> None:
        self._open(database.open_index(self.root, self._cache, index_version()))

    def _reopen(self) -> None:
        self._database.close()
        self._open_on_disk()

    def _recover(self, error: sqlite3.Error) -> None:
        """Go on with another index: on disk after damage, else in memory."""
        if not self.is_writer:
            self._wait_for_writer(error)
            return
        logger.warning(
            "the index of a workspace starts again: %s", database.reason_of(error)
        )
        if database.is_damage(error) and self._may_rebuild():
            database.put_aside(self._database)
            self._open_on_disk()
        else:
            self._database.close()
            self._open(database.in_memory())

    def _wait_for_writer(self, error: sqlite3.Error) -> None:
        logger.info(
            "the index of a workspace cannot be read now: %s", database.reason_of(error)
        )
        if database.is_damage(error):
            database.report_damage(self._database)
        self._database.close()
        assert self._database.file is not None
        self._open(database.waiting_for(self._database.file))

    def _may_rebuild(self) -> bool:
        """Return whether damage is rare; a disk that damages everything is not used."""
        now = self._clock()
        is_rare = (
            len(self._rebuilt_at) < MAX_REBUILDS
            or now - self._rebuilt_at[0] > REBUILD_WINDOW_S
        )
        self._rebuilt_at.append(now)
        return is_rare

    def follow(self) -> None:
        """Take account of what other processes did; cheap when they did nothing.

        A reader takes the place of a writer that is gone, and the writer builds an index
        again that a reader has found damaged. A file that was deleted is made again.
        """
        opened = self._database
        if opened.is_replaced or opened.is_waiting or not self._has_writer():
            self._reopen()
        elif opened.is_writer and database.is_reported_damaged(opened):
            self._recover(sqlite3.DatabaseError("a reader found damage"))

    def _has_writer(self) -> bool:
        if self.is_writer:
            return True
        assert self._database.file is not None
        try:
            return database.has_writer(self._database.file)
        except OSError:  # its folder is gone
            return False

    def changed(self, path: str, stamp: str) -> bool:
        known = self.sources.get(path)
        return known is None or not stamp or known.stamp != stamp

    def unsettled(self) -> list[str]:
        """Files that may have changed unseen: too young, unreadable, or open in an editor."""
        return [path for path, source in self.sources.items() if not source.stamp]

    def put(self, path: str, source: FileState, entry: Entry) -> None:
        def write() -> None:
            self.index.put_entry(path, entry)
            self._remember(path, source)

        self._write(write)

    def leave_out(self, path: str, source: FileState) -> None:
        """Forget what is in a file, and remember why."""

        def write() -> None:
            self.index.remove(path)
            self._remember(path, source)

        self._write(write)

    def touch(self, path: str, source: FileState) -> None:
        """The file has another stamp and the same content."""
        if self.sources.get(path) != source:
            self._write(lambda: self._remember(path, source))

    def remove(self, paths: Iterable[str]) -> None:
        for path in list(paths):
            self._write(lambda path=path: self._forget(path))  # type: ignore[misc]  # a default binds the loop's variable

    def join_some(self) -> bool:
        """Merge some parts of a new index as `Index.join_some` does."""
        is_more = False

        def write() -> None:
            nonlocal is_more
            is_more = self.index.join_some()

        self._write(write)
        return is_more

    def below(self, path: str) -> list[str]:
        """All known files at `path` or below it."""
        return [
            one for one in self.sources if one == path or one.startswith(path + "/")
        ]

    def look_up(self, search: Callable[[Index], T], otherwise: T) -> T:
        """Return what `search` finds; `otherwise` if the database had to be opened again."""
        if not self.is_writer and self._database.is_replaced:
            self._reopen()
        try:
            return search(self.index)
        except sqlite3.Error as exc:
            self._recover(exc)
            return otherwise

    def languages(self) -> Counter[str]:
        """Count the indexed files by language."""
        rows = self._rows("SELECT language, count(*) FROM file GROUP BY language")
        return Counter(dict(rows))

    def n_definitions(self) -> int:
        rows = self._rows("SELECT total(n_definitions) FROM file")
        return int(rows[0][0]) if rows else 0

    def left_out(self) -> Counter[str]:
        """Count the files that were read but not indexed, by reason."""
        query = "SELECT reason, count(*) FROM source WHERE reason <> '' GROUP BY reason"
        return Counter(dict(self._rows(query)))

    def _rows(self, query: str) -> list[Any]:
        try:
            return self._database.connection.execute(query).fetchall()
        except sqlite3.Error as exc:
            self._recover(exc)
            return []

    def _remember(self, path: str, source: FileState) -> None:
        self.sources[path] = source
        if source.reason == CRASHES:
            self.crashing.add(source.digest)
        self._database.connection.execute(
            "INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?)", (path, *source)
        )

    def _forget(self, path: str) -> None:
        self.sources.pop(path, None)
        self.index.remove(path)
        self._database.connection.execute("DELETE FROM source WHERE path = ?", (path,))

    def _write(self, write: Callable[[], None]) -> None:
        if not self.is_writer:
            return
        try:
            if self._since is None:
                self._database.connection.execute("BEGIN IMMEDIATE")
                self._since = self._clock()
            write()
            if self._clock() - self._since > COMMIT_S:
                self.commit()
        except sqlite3.Error as exc:
            self._recover(exc)

    def commit(self) -> None:
        if self._since is None:
            return
        self._since = None
        try:
            self._database.connection.execute("COMMIT")
        except sqlite3.Error as exc:
            self._recover(exc)

    def close(self) -> None:
        self.commit()
        self._database.close()
