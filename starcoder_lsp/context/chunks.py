"""Cuts a file into pieces that mean something, and says which words are in each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from starcoder_lsp.context.symbols import Definition

# A piece holds a function or a few short ones: enough to recognize, little to read.
WANTED_LINES = 10
MAX_LINES = 16
MAX_LINE_CHARACTERS = 400
SHORTEST_TERM = 2
LONGEST_TERM = 64
MAX_REMEMBERED = 100_000

PARTS = re.compile("[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\x00-\x7f]+")
WORD_BYTES = frozenset(b"_0123456789") | frozenset(
    byte for byte in range(256) if byte > 127 or chr(byte).isalpha()
)
SPACED = bytes(byte if byte in WORD_BYTES else 32 for byte in range(256))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some lines of a file; `last_line` is part of it, lines count from 0."""

    first_line: int
    last_line: int
    text: str


def chunks(text: str, definitions: Iterable[Definition] = ()) -> list[Chunk]:
    """All lines of `text`, cut where definitions begin, else at blank lines."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    starts = {definition.first_line for definition in definitions}
    return [
        Chunk(first, end - 1, "\n".join(lines[first:end]))
        for first, end in _spans(lines, starts)
    ]


def _spans(lines: Sequence[str], starts: set[int]) -> Iterator[tuple[int, int]]:
    first = 0
    while len(lines) - first > MAX_LINES:
        end = _best_cut(lines, starts, first)
        yield first, end
        first = end
    if first < len(lines):
        yield first, len(lines)


def _best_cut(lines: Sequence[str], starts: set[int], first: int) -> int:
    """Where the piece from `first` on ends: before a definition, if one is in reach."""
    reach = range(first + WANTED_LINES // 2, first + MAX_LINES + 1)
    wanted = first + WANTED_LINES
    cuts = starts.intersection(reach) or [
        line + 1 for line in reach[:-1] if not lines[line] or lines[line].isspace()
    ]
    if len(cuts) < 2:
        return next(iter(cuts), wanted)
    return min(cuts, key=lambda line: (abs(line - wanted), line))


class _Spellings(dict[bytes, tuple[str, ...]]):
    """An identifier, and the terms it counts as; forgets all when it grows large."""

    def __missing__(self, word: bytes) -> tuple[str, ...]:
        if len(self) > MAX_REMEMBERED:
            self.clear()
        # Most have one spelling and one part: letters of one case.
        is_plain = word.isalpha() and word.islower()
        text = word.decode("utf-8", "replace")
        is_known = is_plain and SHORTEST_TERM <= len(text) <= LONGEST_TERM
        self[word] = found = (text,) if is_known else tuple(_spellings(text))
        return found


_SPELLINGS = _Spellings()


def _spellings(word: str) -> Iterator[str]:
    if not SHORTEST_TERM <= len(word) <= LONGEST_TERM or word.isdecimal():
        return
    yield word.lower()
    parts = PARTS.findall(word)
    if len(parts) > 1:
        yield from (part.lower() for part in parts if len(part) >= SHORTEST_TERM)


def terms(text: str) -> set[str]:
    """The identifiers in `text` and their parts, all in lower case.

    >>> sorted(terms("x1 = readFile(self.file_name)"))
    ['file', 'file_name', 'name', 'read', 'readfile', 'self', 'x1']
    """
    words = set(text.encode("utf-8", "replace").translate(SPACED).split())
    return set(chain.from_iterable(map(_SPELLINGS.__getitem__, words)))
