"""What is known of all files of a workspace, in one SQLite database.

A second start has nothing to load, a change of one file touches the rows of that file,
and what is remembered goes with the change that it depends on. Whoever gives the
connection commits and closes it.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from starcoder_lsp.context.index.entries import Entry, entry_of
from starcoder_lsp.context.index.file_table import Directory
from starcoder_lsp.context.index.search import Filter, Hit, Search, everything
from starcoder_lsp.context.index.stored import Stored
from starcoder_lsp.context.index.writer import Change, Writer
from starcoder_lsp.context.symbols import Definition, Symbols

# To be raised when tables, chunks or terms change: an older index is built again.
SCHEMA_VERSION = 5

MAX_FILES_REMEMBERED = 256
# Of a larger folder the first files tell enough.
MAX_FOLDER = 64
# These files stand for their folder.
FOLDER_FILES = frozenset(("__init__", "index", "mod", "package", "lib", "main"))


@dataclass(frozen=True, slots=True)
class Place:
    """A definition and the file it stands in."""

    path: str
    definition: Definition


class Index(Directory):
    """Definitions, imports and words of files; paths are relative, with slashes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._writer = Writer(connection)
        self._search = Search(connection)
        self._symbols: dict[str, Stored | None] = {}
        # Manifests and the like: answers depend on what they say.
        self._read: set[str] = set()
        connection.executescript(_schema())
        self._writer.join_later()

    def put(self, path: str, text: str, symbols: Symbols) -> None:
        """Know `path` as it is now; what was known of it is forgotten."""
        self.put_entry(path, entry_of(text, symbols))

    def put_entry(self, path: str, entry: Entry) -> None:
        """As `put`, of a file that another process has read."""
        self._forget(path, self._writer.put(path, module_name(path), entry))

    def remove(self, path: str) -> None:
        """Forget `path`; does nothing where it is not known."""
        self._forget(path, self._writer.remove(path))

    def join_some(self) -> bool:
        """Make searches of a new index faster; whether there is more to do."""
        return self._writer.join_some()

    def _forget(self, path: str, change: Change) -> None:
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
        """What `path` held when it was indexed; empty where it is not known."""
        self._read.add(path)
        row = self._rows.execute(
            "SELECT text FROM file JOIN content ON file_id = id WHERE path = ?", (path,)
        ).fetchone()
        return row[0] if row else ""

    def symbols(self, path: str) -> Stored | None:
        """What `path` defines and imports."""
        self._catch_up()
        if path not in self._symbols:
            if len(self._symbols) >= MAX_FILES_REMEMBERED:
                self._symbols.clear()
            self._symbols[path] = self._read_symbols(path)
        return self._symbols[path]

    def _read_symbols(self, path: str) -> Stored | None:
        row = self._rows.execute(
            "SELECT language, package, is_complete, definitions, imports "
            "FROM file JOIN content ON file_id = id WHERE path = ?",
            (path,),
        ).fetchone()
        return Stored(*row) if row else None

    def definitions(self, name: str, limit: int = 32) -> list[Place]:
        """Where something called `name` is defined, in any file."""
        places = (
            Place(path, each)
            for path in self.paths_with(name)
            if (symbols := self.symbols(path))
            for each in symbols.named(name)
        )
        return list(itertools.islice(places, limit))

    def members_in_folder(self, folder: str, container: str) -> list[Place]:
        """What the files in `folder` say belongs to `container`."""
        paths = self.paths_in_folder(folder, MAX_FOLDER)
        rows = self._rows.execute(
            "SELECT path FROM file JOIN content ON file_id = id "
            f"WHERE path IN ({', '.join('?' * len(paths))}) "
            "AND instr(definitions, ?) ORDER BY path",
            (*paths, json.dumps(container)),
        )
        return [
            Place(path, each)
            for (path,) in rows.fetchall()
            if (symbols := self.symbols(path))
            for each in symbols.inside(container)
        ]

    def search(
        self, weights: Mapping[str, float], limit: int, is_wanted: Filter = everything
    ) -> list[Hit]:
        """As `Search.best`; texts are read later, so a snapshot should go on until then."""
        with self.snapshot():
            return self._search.best(weights, limit, is_wanted)


@cache
def _schema() -> str:
    return Path(__file__).with_name("schema.sql").read_text("utf-8")


def module_name(path: str) -> str:
    """The name by which other files import `path`, in lower case.

    >>> module_name("src/app/util.test.ts"), module_name("src/app/__init__.py")
    ('util', 'app')
    """
    place = PurePosixPath(path)
    stem = place.name.split(".")[0] or place.name
    folder = place.parent.name
    return (folder if stem.lower() in FOLDER_FILES and folder else stem).lower()
