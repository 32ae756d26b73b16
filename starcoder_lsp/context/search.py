"""Finds the chunks of a workspace that hold most of some words: BM25 over a full-text index.

SQLite says which chunks hold a term; the best of them are read, and weighed by the terms
that they really hold, whole names and their parts.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from starcoder_lsp.context.chunks import Span, terms
from starcoder_lsp.context.writer import MAX_NUMBER, NUMBER_BITS

# A term in more chunks than this finds nothing by itself.
MAX_CHUNKS_OF_TERM = 300
# Of a longer query the nearest words are enough.
MAX_TERMS = 48
MAX_REMEMBERED = 10_000
# Long chunks hold more words, and so hit more by chance: b of BM25, as usual.
LENGTH_WEIGHT = 0.75
# Of so many times the wanted chunks the words are counted exactly.
N_CANDIDATES = 2
USUAL_TERMS = 40


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found."""

    path: str
    first_line: int
    last_line: int
    text: str
    terms: Set[str]
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


class Search:
    """Over one database; what it has found is good until something changes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = connection
        self._common: set[str] = set()
        self._found: dict[str, list[int]] = {}
        self._n_chunks: int | None = None

    def forget(self) -> None:
        """Something was written."""
        self._found.clear()
        self._n_chunks = None

    def best(self, weights: Mapping[str, float], limit: int) -> list[Hit]:
        """The chunks that hold most of the weighted terms, rare terms first."""
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
        # What is as good comes in the same order, however the index came to be.
        best = sorted(hits, key=lambda hit: (-hit.score, hit.path, hit.first_line))
        return best[:limit]

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
            yield Hit(
                file.path, span.first_line, span.last_line, text, held, worth / length
            )

    def _file(self, file_id: int) -> _File:
        path, numbers, chunks, text = self._rows.execute(
            "SELECT path, numbers, chunks, text FROM file JOIN content ON file_id = id "
            "WHERE id = ?",
            (file_id,),
        ).fetchone()
        return _File(path, memoryview(numbers).cast("I"), chunks, text)
