"""Cuts a file into chunks along its definitions, and a text into search terms."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from starcoder_lsp.context.symbols import Definition

# A chunk holds one function or a few short ones: enough to recognize, little to read.
WANTED_LINES = 10
MAX_LINES = 16
SHORTEST = WANTED_LINES // 2
# Possible lengths of a chunk, in lines, from the best outwards.
NEAREST = sorted(
    range(SHORTEST, MAX_LINES + 1), key=lambda n: (abs(n - WANTED_LINES), n)
)
# Longer lines are generated.
MAX_LINE_CHARACTERS = 400
SHORTEST_TERM = 2
LONGEST_TERM = 64
# Cached spellings: words that files share; most others occur in one file only.
MAX_REMEMBERED = 50_000

PARTS = re.compile("[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\x00-\x7f]+")
WORD_BYTES = frozenset(b"_0123456789") | frozenset(
    byte for byte in range(256) if byte > 127 or chr(byte).isalpha()
)
SPACED = bytes(byte if byte in WORD_BYTES else 32 for byte in range(256))


class ChunkSpan(NamedTuple):
    """Lines of a file, `last_line` included; lines count from 0.

    Their text are the bytes from `start` to `end` in UTF-8, without the last line break,
    so that a chunk can be read alone.
    """

    first_line: int
    last_line: int
    start: int
    end: int


def spans(text: str, definitions: Iterable[Definition] = ()) -> Iterator[ChunkSpan]:
    """Cut all lines of `text` before definitions, otherwise at blank lines."""
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
        yield ChunkSpan(first, end - 1, n_above[first] + first, n_above[end] + end - 1)
        first = end


def texts_of(text: str, cut: Iterable[ChunkSpan]) -> list[str]:
    r"""Return the text of each span.

    >>> texts_of("é = 1\nè = 2\n", [ChunkSpan(1, 1, 7, 13)])
    ['è = 2']
    """
    if text.isascii():
        return [text[start:end] for _, _, start, end in cut]
    source = _encoded(text)
    return [source[start:end].decode() for _, _, start, end in cut]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _best_cut(lines: Sequence[str], starts: Sequence[int], first: int) -> int:
    """Return the end of the chunk from `first` on: before a definition, if one is near."""
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
    """The terms of each identifier, cached; the cache is emptied when it is full."""

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
    """Return the identifiers in `text` and their parts, in lower case.

    >>> sorted(terms("x1 = readFile(self.file_name)"))
    ['file', 'file_name', 'name', 'read', 'readfile', 'self', 'x1']
    """
    words = set(_encoded(text).translate(SPACED).split())
    return set(chain.from_iterable(map(_SPELLINGS.__getitem__, words)))
