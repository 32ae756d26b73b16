"""Searches chunks by weighted terms: BM25 over a full-text index.

SQLite finds the chunks that hold a term; only the text of returned chunks is read.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import NamedTuple

from starcoder_lsp.context.index.chunks import ChunkSpan
from starcoder_lsp.context.index.stored_rows import decoding
from starcoder_lsp.context.index.writer import MAX_NUMBER, NUMBER_BITS

# A term that stands in more chunks than this finds none by itself.
MAX_CHUNKS_OF_TERM = 300
# Of a longer query, only the nearest words are used.
MAX_TERMS = 32
MAX_REMEMBERED = 10_000
# b of BM25, the usual value: long chunks hold more words, and match more by chance.
LENGTH_WEIGHT = 0.75
# Lengths are looked up for this many times the wanted number of chunks.
N_CANDIDATES = 3
USUAL_BYTES = 400


@dataclass(frozen=True)
class Hit:
    """A chunk, and the terms that found it."""

    path: str
    first_line: int
    last_line: int
    terms: Set[str]
    score: float
    read: Callable[[], str] = field(repr=False)

    @cached_property
    def text(self) -> str:
        """The text of the chunk, read when first used, in the snapshot of the search."""
        return self.read()


class _File(NamedTuple):
    """A file, and the numbers of its chunks, in the order of `chunks`."""

    path: str
    numbers: Sequence[int]
    chunks: bytes

    @decoding()
    def span(self, number: int) -> ChunkSpan:
        """Return the span of the chunk with this number."""
        at = number
        if at >= len(self.numbers) or self.numbers[at] != number:
            at = list(self.numbers).index(number)
        return ChunkSpan(*memoryview(self.chunks).cast("I")[4 * at : 4 * at + 4])


class _Candidate(NamedTuple):
    """A candidate; they sort from best to worst, whatever the history of the index."""

    negative_score: float
    path: str
    span: ChunkSpan
    row: int


# Decides by a path and the first line of a chunk there.
Filter = Callable[[str, int], bool]


def everything(_path: str, _line: int) -> bool:
    return True


class Search:
    """Searches one database; results are cached until it changes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = connection
        self._common: set[str] = set()
        self._found: dict[str, Sequence[int]] = {}
        self._n_chunks: int | None = None

    def forget(self, n_chunks: int) -> None:
        """Note that a file was written, which has `n_chunks` more or fewer chunks."""
        self._found.clear()
        if self._n_chunks is not None:
            self._n_chunks += n_chunks

    def forget_all(self) -> None:
        """Drop everything cached, because another process has written."""
        self._found.clear()
        self._n_chunks = None

    def best(
        self, weights: Mapping[str, float], limit: int, is_wanted: Filter = everything
    ) -> list[Hit]:
        """Return the chunks that hold most of the weighted terms; rare terms count more."""
        # In this order, sums are the same in every run, to the last bit.
        heaviest = sorted(weights.items(), key=lambda each: (-each[1], each[0]))
        found = {term: self._rows_with(term) for term, _ in heaviest[:MAX_TERMS]}
        n_chunks = self._count_chunks()
        scores: defaultdict[int, float] = defaultdict(float)
        for term, rows in found.items():
            rarity = math.log(1 + (n_chunks + 0.5) / (len(rows) + 0.5))
            worth = weights[term] * rarity
            for row in rows:
                scores[row] += worth
        likeliest = heapq.nlargest(
            N_CANDIDATES * limit, ((score, -row) for row, score in scores.items())
        )
        wanted = sorted(
            one
            for one in self._candidates(likeliest)
            if is_wanted(one.path, one.span.first_line)
        )
        return self._hits(wanted[:limit], found)

    def _count_chunks(self) -> int:
        if self._n_chunks is None:
            total = self._rows.execute("SELECT total(n_chunks) FROM file")
            self._n_chunks = int(total.fetchone()[0])
        return self._n_chunks

    def _rows_with(self, term: str) -> Sequence[int]:
        """Return chunks that hold `term`, or define a name that contains it."""
        if (found := self._found.get(term)) is None:
            found = self._found[term] = self._find(term)
        return found

    def _find(self, term: str) -> Sequence[int]:
        if term in self._common:
            return ()
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
        return ()

    def _candidates(self, found: Sequence[tuple[float, int]]) -> Iterator[_Candidate]:
        """Return each chunk with the BM25 score of its terms."""
        files: dict[int, _File] = {}
        for score, negative_row in found:
            row = -negative_row
            file_id, number = row >> NUMBER_BITS, row & MAX_NUMBER
            file = files.get(file_id) or files.setdefault(file_id, self._file(file_id))
            span = file.span(number)
            share = (span.end - span.start) / USUAL_BYTES
            length = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * share
            yield _Candidate(-score / length, file.path, span, row)

    def _file(self, file_id: int) -> _File:
        """Read a file that holds a chunk; raises sqlite3.DatabaseError if it cannot."""
        row = self._rows.execute(
            "SELECT path, numbers, chunks FROM file JOIN content ON file_id = id "
            "WHERE id = ?",
            (file_id,),
        ).fetchone()
        with decoding():
            path, numbers, chunks = row
            return _File(path, memoryview(numbers).cast("I"), chunks)

    def _hits(
        self, found: Sequence[_Candidate], terms: Mapping[str, Sequence[int]]
    ) -> list[Hit]:
        held: dict[int, set[str]] = {one.row: set() for one in found}
        for term, rows in terms.items():
            for row in held.keys() & rows:
                held[row].add(term)
        return [
            Hit(
                one.path,
                one.span.first_line,
                one.span.last_line,
                held[one.row],
                -one.negative_score,
                partial(self._text, one.row >> NUMBER_BITS, one.span),
            )
            for one in found
        ]

    def _text(self, file_id: int, span: ChunkSpan) -> str:
        """Read the text of one chunk, and no more of its file.

        Raises sqlite3.DatabaseError if the bytes are not UTF-8.
        """
        with self._rows.blobopen("content", "text", file_id, readonly=True) as text:
            try:
                text.seek(span.start)
                return text.read(span.end - span.start).decode()
            except ValueError:
                raise sqlite3.DatabaseError("what is indexed is damaged") from None
