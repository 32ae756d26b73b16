"""The index of a workspace: definitions, imports and words, in one SQLite database.

A second start loads nothing, a change of a file touches only its rows, and cached answers
go with the change they depend on. The caller commits and closes the connection.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from starcoder_lsp.context.index.entry import Entry, entry_of
from starcoder_lsp.context.index.file_table import FileTable
from starcoder_lsp.context.index.search import Filter, Hit, Search, everything
from starcoder_lsp.context.index.stored_symbols import StoredSymbols
from starcoder_lsp.context.index.writer import IndexChange, Writer
from starcoder_lsp.context.symbols import Definition, Symbols

MAX_FILES_REMEMBERED = 256
# Of a larger folder, only the first files are read.
MAX_FOLDER = 64
# Modules of these names stand for their folder.
FOLDER_FILES = frozenset(("__init__", "index", "mod", "package", "lib", "main"))


@dataclass(frozen=True, slots=True)
class DefinitionSite:
    """A definition and the path of its file."""

    path: str
    definition: Definition


class Index(FileTable):
    """Definitions, imports and words of files; paths are relative and have slashes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._writer = Writer(connection)
        self._search = Search(connection)
        self._symbols: dict[str, StoredSymbols | None] = {}
        # Manifests and the like: answers depend on what they say.
        self._read: set[str] = set()
        connection.executescript(_schema())
        self._writer.join_later()

    def put(self, path: str, text: str, symbols: Symbols) -> None:
        """Store `path` as it is now, in place of what was stored before."""
        self.put_entry(path, entry_of(text, symbols))

    def put_entry(self, path: str, entry: Entry) -> None:
        """Store an entry that a worker has made, as `put` does."""
        self._forget(path, self._writer.put(path, module_name(path), entry))

    def remove(self, path: str) -> None:
        """Remove `path`, if it is there."""
        self._forget(path, self._writer.remove(path))

    def join_some(self) -> bool:
        """Merge some parts of a new full-text index; return whether more are left."""
        return self._writer.join_some()

    def _forget(self, path: str, change: IndexChange) -> None:
        self._symbols.pop(path, None)
        self._search.forget(change.n_chunks)
        if change.concerns_others or path in self._read:
            self._answers.clear()
            self._read.clear()

    def _forget_all(self) -> None:
        super()._forget_all()
        self._symbols.clear()
        self._search.forget_all()

    def text(self, path: str) -> str:
        """Return the text of `path` when it was indexed; "" if it is not indexed."""
        self._read.add(path)
        row = self._rows.execute(
            "SELECT text FROM file JOIN content ON file_id = id WHERE path = ?", (path,)
        ).fetchone()
        return row[0] if row else ""

    def symbols(self, path: str) -> StoredSymbols | None:
        """Return what `path` defines and imports; None if it is not indexed."""
        self._catch_up()
        if path not in self._symbols:
            if len(self._symbols) >= MAX_FILES_REMEMBERED:
                self._symbols.clear()
            self._symbols[path] = self._read_symbols(path)
        return self._symbols[path]

    def _read_symbols(self, path: str) -> StoredSymbols | None:
        row = self._rows.execute(
            "SELECT language, package, is_complete, definitions, imports "
            "FROM file JOIN content ON file_id = id WHERE path = ?",
            (path,),
        ).fetchone()
        return StoredSymbols(*row) if row else None

    def definitions(self, name: str, limit: int = 32) -> list[DefinitionSite]:
        """Return definitions of `name` in any file."""
        places = (
            DefinitionSite(path, each)
            for path in self.paths_with(name)
            if (symbols := self.symbols(path))
            for each in symbols.named(name)
        )
        return list(itertools.islice(places, limit))

    def members_in_folder(self, folder: str, container: str) -> list[DefinitionSite]:
        """Return the members of `container` that files in `folder` define."""
        paths = self.paths_in_folder(folder, MAX_FOLDER)
        rows = self._rows.execute(
            "SELECT path FROM file JOIN content ON file_id = id "
            f"WHERE path IN ({', '.join('?' * len(paths))}) "
            "AND instr(definitions, ?) ORDER BY path",
            (*paths, json.dumps(container)),
        )
        return [
            DefinitionSite(path, each)
            for (path,) in rows.fetchall()
            if (symbols := self.symbols(path))
            for each in symbols.inside(container)
        ]

    def search(
        self, weights: Mapping[str, float], limit: int, is_wanted: Filter = everything
    ) -> list[Hit]:
        """Search as `Search.best`. Hits read their text later: keep the snapshot open."""
        with self.snapshot():
            return self._search.best(weights, limit, is_wanted)


def index_in_memory() -> Index:
    """An empty index; its connection is closed when nobody holds it any longer."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    index = Index(connection)
    # Since Python 3.13 a connection that is only forgotten is a ResourceWarning.
    weakref.finalize(index, connection.close)
    return index


@cache
def _schema() -> str:
    return Path(__file__).with_name("schema.sql").read_text("utf-8")


def module_name(path: str) -> str:
    """Return the name by which other files import `path`, in lower case.

    >>> module_name("src/app/util.test.ts"), module_name("src/app/__init__.py")
    ('util', 'app')
    """
    place = PurePosixPath(path)
    stem = place.name.split(".")[0] or place.name
    folder = place.parent.name
    return (folder if stem.lower() in FOLDER_FILES and folder else stem).lower()
