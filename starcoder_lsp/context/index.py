"""What is known of all files of a workspace, in one SQLite database.

Nothing is kept in memory: a second start has nothing to load, and a change of one file
touches the rows of that file. Whoever gives the connection commits and closes it.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from starcoder_lsp.context.entries import (
    Entry,
    definition_from,
    entry_of,
    import_from,
)
from starcoder_lsp.context.symbols import Definition, Symbols
from starcoder_lsp.context.writer import Writer

# To be raised when tables, chunks or terms change: an older index is built again.
SCHEMA_VERSION = 3

DEFINITION = (
    "name, kind, first_line, last_line, body_line, signature, doc, container, "
    "is_exported"
)

# A term in more chunks than this finds nothing by itself.
MAX_CHUNKS_OF_TERM = 400
# Of a longer query the nearest words are enough.
MAX_TERMS = 48
MAX_REMEMBERED = 10_000
# Of a larger folder the first files tell enough.
MAX_FOLDER = 64
# Long chunks hold more words, and so hit more by chance (b of BM25).
LENGTH_WEIGHT = 0.4
USUAL_TERMS = 40
# These files stand for their folder.
FOLDER_FILES = frozenset(("__init__", "index", "mod", "package", "lib", "main"))


@dataclass(frozen=True, slots=True)
class Place:
    """A definition and the file it stands in."""

    path: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found."""

    path: str
    first_line: int
    last_line: int
    text: str
    score: float


class Index:
    """Definitions, imports and words of files; paths are relative, with slashes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = connection
        self._writer = Writer(connection)
        self._common: set[str] = set()
        connection.executescript(_schema())

    def put(self, path: str, text: str, symbols: Symbols) -> None:
        """Know `path` as it is now; what was known of it is forgotten."""
        self.put_entry(path, entry_of(text, symbols))

    def put_entry(self, path: str, entry: Entry) -> None:
        """As `put`, of a file that another process has read."""
        self._writer.put(path, module_name(path), entry)

    def remove(self, path: str) -> None:
        """Forget `path`; does nothing where it is not known."""
        self._writer.remove(path)

    def paths(self) -> list[str]:
        rows = self._rows.execute("SELECT path FROM file ORDER BY path")
        return [path for (path,) in rows]

    def has(self, path: str) -> bool:
        return self._writer.file_id(path) is not None

    def paths_of_module(self, name: str) -> list[str]:
        """Files that `name` may mean, as the last part of an import."""
        rows = self._rows.execute(
            "SELECT path FROM file WHERE module = ? ORDER BY path", (name.lower(),)
        )
        return [path for (path,) in rows]

    def paths_of_package(self, package: str) -> list[str]:
        """Files that say they belong to `package`."""
        rows = self._rows.execute(
            "SELECT path FROM file WHERE package = ? AND package <> '' ORDER BY path",
            (package,),
        )
        return [path for (path,) in rows]

    def paths_in_folder(self, folder: str, limit: int) -> list[str]:
        """The files in `folder` itself, in order."""
        prefix = f"{folder}/" if folder else ""
        rows = self._rows.execute(
            "SELECT path FROM file WHERE path >= ? AND path < ? "
            "AND instr(substr(path, ?), '/') = 0 ORDER BY path LIMIT ?",
            (prefix, f"{folder}0" if folder else "\U0010ffff", len(prefix) + 1, limit),
        )
        return [path for (path,) in rows]

    def text(self, path: str) -> str:
        """What `path` held when it was indexed; empty where it is not known."""
        rows = self._rows.execute(
            "SELECT text FROM chunk WHERE file_id = ? ORDER BY first_line",
            (self._writer.file_id(path),),
        )
        return "\n".join(text for (text,) in rows)

    def symbols(self, path: str) -> Symbols | None:
        """What `path` defines and imports; its references are not kept."""
        row = self._rows.execute(
            "SELECT id, language, package, is_complete FROM file WHERE path = ?",
            (path,),
        ).fetchone()
        if row is None:
            return None
        file_id, language, package, is_complete = row
        definitions = self._rows.execute(
            f"SELECT {DEFINITION} FROM definition WHERE file_id = ? ORDER BY ordinal",
            (file_id,),
        )
        imports = self._rows.execute(
            "SELECT module, line, names, aliases FROM import WHERE file_id = ? "
            "ORDER BY ordinal",
            (file_id,),
        )
        return Symbols(
            language,
            tuple(map(definition_from, definitions)),
            tuple(map(import_from, imports)),
            package=package,
            is_complete=bool(is_complete),
        )

    def definitions(self, name: str, limit: int = 32) -> list[Place]:
        """Where something called `name` is defined, in any file."""
        rows = self._rows.execute(
            f"SELECT path, {DEFINITION} FROM definition "
            "JOIN file ON file.id = file_id WHERE name = ? LIMIT ?",
            (name, limit),
        )
        return [Place(path, definition_from(found)) for path, *found in rows]

    def definitions_in(self, path: str, name: str) -> list[Definition]:
        """What is called `name` in one file."""
        rows = self._rows.execute(
            f"SELECT {DEFINITION} FROM definition WHERE name = ? AND file_id = ?",
            (name, self._writer.file_id(path)),
        )
        return [definition_from(found) for found in rows]

    def members_in_folder(self, folder: str, container: str) -> list[Place]:
        """What the files in `folder` say belongs to `container`."""
        found = self.paths_in_folder(folder, MAX_FOLDER)
        rows = self._rows.execute(
            f"SELECT path, {DEFINITION} FROM file JOIN definition ON file_id = id "
            f"WHERE path IN ({', '.join('?' * len(found))}) AND container = ? "
            "ORDER BY path, ordinal",
            (*found, container),
        )
        return [Place(path, definition_from(each)) for path, *each in rows]

    def search(self, weights: Mapping[str, float], limit: int) -> list[Hit]:
        """The chunks that hold most of the weighted `terms`, rare terms first."""
        scores: defaultdict[int, float] = defaultdict(float)
        (last,) = self._rows.execute("SELECT max(id) FROM chunk").fetchone()
        # In this order sums are the same each time, to the last bit.
        heaviest = sorted(weights.items(), key=lambda each: (-each[1], each[0]))
        for term, weight in heaviest[:MAX_TERMS]:
            chunk_ids = self._chunks_with(term)
            rarity = math.log(1 + ((last or 0) + 0.5) / (len(chunk_ids) + 0.5))
            for chunk_id in chunk_ids:
                scores[chunk_id] += weight * rarity
        best = heapq.nlargest(2 * limit, ((score, -i) for i, score in scores.items()))
        hits = [self._hit(-negative, score) for score, negative in best]
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    def _chunks_with(self, term: str) -> list[int]:
        if term in self._common:
            return []
        rows = self._rows.execute(
            "SELECT rowid FROM term WHERE term MATCH ? LIMIT ?",
            (f'"{term}"', MAX_CHUNKS_OF_TERM + 1),
        )
        found = [chunk_id for (chunk_id,) in rows]
        if len(found) <= MAX_CHUNKS_OF_TERM:
            return found
        if len(self._common) >= MAX_REMEMBERED:
            self._common.clear()
        self._common.add(term)
        return []

    def _hit(self, chunk_id: int, score: float) -> Hit:
        path, first_line, last_line, n_terms, text = self._rows.execute(
            "SELECT path, first_line, last_line, n_terms, text FROM chunk "
            "JOIN file ON file.id = file_id WHERE chunk.id = ?",
            (chunk_id,),
        ).fetchone()
        length = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * n_terms / USUAL_TERMS
        return Hit(path, first_line, last_line, text, score / length)


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
