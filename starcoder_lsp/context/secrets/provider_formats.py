"""Finds the formats that providers give their credentials.

A search for fixed characters is fast, one with a regular expression is not. So a text
is looked at more closely only where it has the beginning of a format.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from starcoder_lsp.context.secrets.searchable import IN_WORD, WORD, Searchable
from starcoder_lsp.context.secrets.values import Mark, is_placeholder

# The shortest format that is one word has this many characters.
SHORTEST_WORD = 20
LONG_WORD = bytes([IN_WORD]) * SHORTEST_WORD
# Most words differ from every format in their first two characters.
HEAD = 2
# A search for one character is the fastest of all.
RARE = "~"
# Common words share shorter starts.
LEAST_MARK = 4


@dataclass(frozen=True, eq=False)
class Format:
    """One start of one row of secrets.toml; its comments say what the columns mean."""

    row: str
    start: str
    rest: str
    before: str = ""
    n_before: int = 0
    mark: Mark = "KEY"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The literal stands first, since a search for it is fast.

        It is compiled when a text first needs it: compiling all of them takes 0.1 s.
        """
        first, behind = re.escape(self.start), ""
        if self.before:
            behind = rf"(?<={self.before}{first})"
        elif self.start[0].isalnum():
            behind = rf"(?<![A-Za-z0-9_-]{first})"
        return re.compile(f"{first}{behind}(?:{self.rest})(?![A-Za-z0-9])")

    @cached_property
    def raw(self) -> bytes:
        return self.start.encode()

    @property
    def is_word(self) -> bool:
        is_whole = not self.n_before and self.start[0] not in "./"
        return is_whole and WORD.fullmatch(self.start) is not None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the part to hide of each match."""
        for match in self.pattern.finditer(text):
            start, end = match.span(match.lastgroup or 0)
            if self.mark != "PASSWORD" or not is_placeholder(text[start:end]):
                yield start - self.n_before, end


@cache
def formats() -> tuple[Format, ...]:
    import tomllib

    rows = tomllib.loads(Path(__file__).with_name("secrets.toml").read_text("utf-8"))
    return tuple(
        Format(name, start, **{key: row[key] for key in row if key != "starts"})
        for name, row in rows.items()
        for start in row["starts"]
    )


def formats_in(where: Searchable) -> list[Format]:
    """Return the formats whose beginnings occur in a text."""
    text = where.text
    found = [
        one
        for shared, phrases in _phrases().items()
        if (RARE not in shared or RARE in text) and shared in text
        for one in phrases
        if one.start in text
    ]
    return [*found, *_word_formats_in(where.raw, where.kinds)]


def _word_formats_in(text: bytes, kinds: bytes) -> set[Format]:
    """Return the formats that a long word begins with, at its start or after a slash."""
    by_head = _word_formats()
    found: set[Format] = set()
    start, end, slash = kinds.find(LONG_WORD), 0, -1
    while start >= 0:
        if start >= end:
            end = _find(kinds, b" ", start)
        if (candidates := by_head.get(text[start : start + HEAD])) is not None:
            beginnings, those = candidates
            if text.startswith(beginnings, start):
                found.update(one for one in those if text.startswith(one.raw, start))
        if slash < start:
            slash = _find(text, b"/", start)
        is_inside = slash < end - SHORTEST_WORD
        start = slash + 1 if is_inside else kinds.find(LONG_WORD, end)
    return found


def _find(text: bytes, wanted: bytes, start: int) -> int:
    """Return where `wanted` occurs next, or the length of `text`."""
    at = text.find(wanted, start)
    return at if at >= 0 else len(text)


@cache
def _word_formats() -> Mapping[bytes, tuple[tuple[bytes, ...], tuple[Format, ...]]]:
    """Group the formats that begin with a word by their heads, with their starts."""
    by_head: defaultdict[bytes, list[Format]] = defaultdict(list)
    for one in formats():
        if one.is_word:
            by_head[one.start[:HEAD].encode()].append(one)
    return {
        head: (tuple(one.raw for one in those), tuple(those))
        for head, those in by_head.items()
    }


@cache
def _phrases() -> Mapping[str, tuple[Format, ...]]:
    """Group all other formats by the text that the starts of their row share."""
    rows: defaultdict[str, list[Format]] = defaultdict(list)
    for one in formats():
        if not one.is_word:
            rows[one.row].append(one)
    return {_shared([one.start for one in row]): tuple(row) for row in rows.values()}


def _shared(texts: Sequence[str]) -> str:
    """Return the longest part that all of `texts` have in common.

    >>> _shared(["hvs.", "hvb.", "hvr."])
    'hv'
    """
    first = texts[0]
    parts = (
        first[start : start + n]
        for n in range(len(first), 0, -1)
        for start in range(len(first) - n + 1)
    )
    return next(part for part in parts if all(part in each for each in texts))


def is_begun(word: str) -> bool:
    """Return whether `word` has the beginning of a credential that is unlike any name.

    >>> is_begun("ghp_x1y2"), is_begun("patience")
    (True, False)
    """
    _, those = _word_formats().get(word[:HEAD].encode(), ((), ()))
    return any(
        word.startswith(one.start) and len(one.start) >= LEAST_MARK for one in those
    )
