"""Cuts a file into pieces that mean something, and says which words are in a text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from starcoder_lsp.context.symbols import Definition

# A piece holds a function or a few short ones: enough to recognize, little to read.
WANTED_LINES = 10
MAX_LINES = 16
SHORTEST = WANTED_LINES // 2
# How long it may be, from the wanted length outwards.
NEAREST = sorted(
    range(SHORTEST, MAX_LINES + 1), key=lambda n: (abs(n - WANTED_LINES), n)
)
# Longer lines are made by programs, or for them.
MAX_LINE_CHARACTERS = 400
SHORTEST_TERM = 2
LONGEST_TERM = 64
# Words that files share; most of the others occur in one file.
MAX_REMEMBERED = 50_000

PARTS = re.compile("[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\x00-\x7f]+")
WORD_BYTES = frozenset(b"_0123456789") | frozenset(
    byte for byte in range(256) if byte > 127 or chr(byte).isalpha()
)
SPACED = bytes(byte if byte in WORD_BYTES else 32 for byte in range(256))


class Span(NamedTuple):
    """Some lines of a file; `last_line` is part of it, lines count from 0.

    What they hold are the bytes from `start` up to `end`, without a line break at its
    end: so much of a file can be read alone.
    """

    first_line: int
    last_line: int
    start: int
    end: int


def spans(text: str, definitions: Iterable[Definition] = ()) -> Iterator[Span]:
    """All lines of `text`, cut where definitions begin, else at blank lines."""
    starts = sorted({definition.first_line for definition in definitions})
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    # What stands in the lines above each, without their breaks.
    sizes = map(len, lines if text.isascii() else map(_encoded, lines))
    n_above = list(accumulate(sizes, initial=0))
    first = 0
    while first < len(lines):
        end = len(lines)
        if end - first > MAX_LINES:
            end = _best_cut(lines, starts, first)
        yield Span(first, end - 1, n_above[first] + first, n_above[end] + end - 1)
        first = end


def texts_of(text: str, cut: Iterable[Span]) -> list[str]:
    r"""What each of some spans of a text holds.

    >>> texts_of("é = 1\nè = 2\n", [Span(1, 1, 7, 13)])
    ['è = 2']
    """
    if text.isascii():
        return [text[start:end] for _, _, start, end in cut]
    source = _encoded(text)
    return [source[start:end].decode() for _, _, start, end in cut]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _best_cut(lines: Sequence[str], starts: Sequence[int], first: int) -> int:
    """Where the piece from `first` on ends: before a definition, if one is in reach."""
    at = bisect_left(starts, first + SHORTEST)
    if at < len(starts) and starts[at] <= first + MAX_LINES:
        wanted = first + WANTED_LINES
        in_reach = starts[at : bisect_right(starts, first + MAX_LINES)]
        return min(in_reach, key=lambda start: abs(start - wanted))
    for n in NEAREST:
        above = lines[first + n - 1]
        if not above or above.isspace():
            return first + n
    return first + WANTED_LINES


class _Spellings(dict[bytes, Sequence[str]]):
    """An identifier, and the terms it counts as; forgets all when it grows large."""

    def __missing__(self, word: bytes) -> Sequence[str]:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        self[word] = found = _spellings(word.decode("utf-8", "replace"))
        return found


_SPELLINGS = _Spellings()


def _spellings(word: str) -> Sequence[str]:
    if not SHORTEST_TERM <= len(word) <= LONGEST_TERM or word.isdecimal():
        return ()
    parts = PARTS.findall(word)
    if len(parts) < 2:
        return (word.lower(),)
    return word.lower(), *(one.lower() for one in parts if len(one) >= SHORTEST_TERM)


def terms(text: str) -> set[str]:
    """The identifiers in `text` and their parts, all in lower case.

    >>> sorted(terms("x1 = readFile(self.file_name)"))
    ['file', 'file_name', 'name', 'read', 'readfile', 'self', 'x1']
    """
    words = set(_encoded(text).translate(SPACED).split())
    return set(chain.from_iterable(map(_SPELLINGS.__getitem__, words)))
