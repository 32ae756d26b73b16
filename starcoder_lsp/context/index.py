"""What is known of all files of a workspace, in one SQLite database.

Nothing is kept in memory: a second start has nothing to load, and a change of one file
touches the rows of that file. Whoever gives the connection commits and closes it.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from starcoder_lsp.context.chunks import Span, terms
from starcoder_lsp.context.entries import (
    Entry,
    definitions_from,
    entry_of,
    imports_from,
)
from starcoder_lsp.context.symbols import Definition, Symbols
from starcoder_lsp.context.writer import MAX_NUMBER, NUMBER_BITS, Writer

# To be raised when tables, chunks or terms change: an older index is built again.
SCHEMA_VERSION = 4

# A term in more chunks than this finds nothing by itself.
MAX_CHUNKS_OF_TERM = 400
# Of a longer query the nearest words are enough.
MAX_TERMS = 48
MAX_REMEMBERED = 10_000
MAX_FILES_REMEMBERED = 256
# Of a larger folder the first files tell enough.
MAX_FOLDER = 64
# Long chunks hold more words, and so hit more by chance: b of BM25, as usual.
LENGTH_WEIGHT = 0.75
# Of so many times the wanted chunks the words are counted exactly.
N_CANDIDATES = 2
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


class _File(NamedTuple):
    """What a file holds, and the numbers of its chunks in the order of `chunks`."""

    path: str
    numbers: Sequence[int]
    chunks: bytes
    text: str

    def span(self, number: int) -> Span:
        """The chunk of this number; mostly it stands at its place."""
        at = number
        if at >= len(self.numbers) or self.numbers[at] != number:
            at = list(self.numbers).index(number)
        return Span(*memoryview(self.chunks).cast("I")[4 * at : 4 * at + 4])


class Index:
    """Definitions, imports and words of files; paths are relative, with slashes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = connection
        self._writer = Writer(connection)
        self._common: set[str] = set()
        # What was read since the last change.
        self._symbols: dict[str, Symbols | None] = {}
        self._found: dict[str, list[int]] = {}
        self._n_chunks: int | None = None
        self._version = self._data_version()
        connection.executescript(_schema())

    def put(self, path: str, text: str, symbols: Symbols) -> None:
        """Know `path` as it is now; what was known of it is forgotten."""
        self.put_entry(path, entry_of(text, symbols))

    def put_entry(self, path: str, entry: Entry) -> None:
        """As `put`, of a file that another process has read."""
        self._forget(path)
        self._writer.put(path, module_name(path), entry)

    def remove(self, path: str) -> None:
        """Forget `path`; does nothing where it is not known."""
        self._forget(path)
        self._writer.remove(path)

    def _forget(self, path: str) -> None:
        self._symbols.pop(path, None)
        self._forget_counts()

    def _forget_counts(self) -> None:
        self._found.clear()
        self._n_chunks = None

    def _data_version(self) -> int:
        """Another one after each change by another process."""
        (version,) = self._rows.execute("PRAGMA data_version").fetchone()
        return int(version)

    def _catch_up(self) -> None:
        if (version := self._data_version()) != self._version:
            self._version = version
            self._symbols.clear()
            self._forget_counts()

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
        row = self._rows.execute(
            "SELECT text FROM file JOIN content ON file_id = id WHERE path = ?", (path,)
        ).fetchone()
        return row[0] if row else ""

    def symbols(self, path: str) -> Symbols | None:
        """What `path` defines and imports; its references are not kept."""
        self._catch_up()
        if path not in self._symbols:
            if len(self._symbols) >= MAX_FILES_REMEMBERED:
                self._symbols.clear()
            self._symbols[path] = self._read_symbols(path)
        return self._symbols[path]

    def _read_symbols(self, path: str) -> Symbols | None:
        row = self._rows.execute(
            "SELECT language, definitions, imports, package, is_complete "
            "FROM file JOIN content ON file_id = id WHERE path = ?",
            (path,),
        ).fetchone()
        if row is None:
            return None
        language, definitions, imports, package, is_complete = row
        return Symbols(
            language,
            tuple(definitions_from(definitions)),
            tuple(imports_from(imports)),
            package=package,
            is_complete=bool(is_complete),
        )

    def is_widespread(self, name: str, n_files: int) -> bool:
        """Whether so many files define something called `name`."""
        rows = self._rows.execute(
            "SELECT 1 FROM name WHERE name = ? LIMIT ?", (name, n_files)
        )
        return len(rows.fetchall()) == n_files

    def definitions(self, name: str, limit: int = 32) -> list[Place]:
        """Where something called `name` is defined, in any file."""
        rows = self._rows.execute(
            "SELECT path FROM name JOIN file ON id = file_id WHERE name = ?", (name,)
        )
        places = (
            Place(path, each)
            for (path,) in rows
            for each in self.definitions_in(path, name)
        )
        return list(itertools.islice(places, limit))

    def definitions_in(self, path: str, name: str) -> list[Definition]:
        """What is called `name` in one file."""
        symbols = self.symbols(path)
        found = symbols.definitions if symbols else ()
        return [each for each in found if each.name == name]

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
            for each in symbols.definitions
            if each.container == container
        ]

    def search(self, weights: Mapping[str, float], limit: int) -> list[Hit]:
        """The chunks that hold most of the weighted `terms`, rare terms first."""
        self._catch_up()
        # In this order sums are the same each time, to the last bit.
        heaviest = sorted(weights.items(), key=lambda each: (-each[1], each[0]))
        n_chunks = self._count_chunks()
        worths: dict[str, float] = {}
        scores: defaultdict[int, float] = defaultdict(float)
        for term, weight in heaviest[:MAX_TERMS]:
            if term not in self._found:
                self._found[term] = self._rows_with(term)
            rows = self._found[term]
            rarity = math.log(1 + (n_chunks + 0.5) / (len(rows) + 0.5))
            worths[term] = weight * rarity if rows else 0.0
            for row in rows:
                scores[row] += worths[term]
        likeliest = heapq.nlargest(
            N_CANDIDATES * limit, ((score, -row) for row, score in scores.items())
        )
        hits = self._hits([-negative for _, negative in likeliest], worths)
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    def _count_chunks(self) -> int:
        if self._n_chunks is None:
            total = self._rows.execute("SELECT total(n_chunks) FROM file")
            self._n_chunks = int(total.fetchone()[0])
        return self._n_chunks

    def _rows_with(self, term: str) -> list[int]:
        """Chunks that hold it, or define what it is a part of."""
        if term in self._common:
            return []
        rows = self._rows.execute(
            "SELECT rowid FROM term WHERE term MATCH ? LIMIT ?",
            (f'"{term}"', MAX_CHUNKS_OF_TERM + 1),
        )
        found = [row for (row,) in rows]
        if len(found) <= MAX_CHUNKS_OF_TERM:
            return found
        if len(self._common) >= MAX_REMEMBERED:
            self._common.clear()
        self._common.add(term)
        return []

    def _hits(self, rows: Sequence[int], worths: Mapping[str, float]) -> Iterator[Hit]:
        """Their chunks, each with what the terms in it are worth for its length."""
        files: dict[int, _File] = {}
        for row in rows:
            file_id, number = row >> NUMBER_BITS, row & MAX_NUMBER
            file = files.get(file_id) or files.setdefault(file_id, self._file(file_id))
            span = file.span(number)
            text = file.text[span.start : span.end]
            held = terms(text)
            worth = sum(worths[term] for term in worths if term in held)
            length = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * len(held) / USUAL_TERMS
            yield Hit(file.path, span.first_line, span.last_line, text, worth / length)

    def _file(self, file_id: int) -> _File:
        path, numbers, chunks, text = self._rows.execute(
            "SELECT path, numbers, chunks, text FROM file JOIN content ON file_id = id "
            "WHERE id = ?",
            (file_id,),
        ).fetchone()
        return _File(path, memoryview(numbers).cast("I"), chunks, text)


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
