"""Which of the formats that providers give their credentials a text may hold.

Nothing is as fast as a search for fixed characters, so that a text is looked at more
closely only where it has the beginning of one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WORD = re.compile("[A-Za-z0-9_-]+")

# Letters, digits, _ and - count alike.
SHAPE = bytes(ord("w") if WORD.fullmatch(chr(i)) else 32 for i in range(256))
# As short is the shortest format that is one word.
SHORTEST_WORD = 15
LONG_WORD = b"w" * SHORTEST_WORD
# So much of a word says mostly that it is none.
HEAD = 2


@dataclass(frozen=True)
class Format:
    """One start of one row of secrets.toml; its comments say what the columns mean."""

    row: str
    start: str
    pattern: re.Pattern[str]
    group: str | int
    mark: str

    @property
    def is_word(self) -> bool:
        return WORD.fullmatch(self.start) is not None


@cache
def formats() -> tuple[Format, ...]:
    import tomllib

    rows = tomllib.loads(Path(__file__).with_name("secrets.toml").read_text("utf-8"))
    return tuple(
        _format(name, start, row)
        for name, row in rows.items()
        for start in row["starts"]
    )


def _format(name: str, start: str, row: Mapping[str, str]) -> Format:
    """The literal stands first, since a search for it is fast."""
    first = re.escape(start)
    inside_word = rf"(?<![A-Za-z0-9_-]{first})" if start[0].isalnum() else ""
    pattern = re.compile(f"{first}{inside_word}{row['rest']}(?![A-Za-z0-9])")
    group = "hide" if "hide" in pattern.groupindex else 0
    return Format(name, start, pattern, group, row.get("mark", "KEY"))


def formats_in(text: str) -> list[Format]:
    """Most are one long word, so that most texts need no further look."""
    found = [
        one
        for shared, phrases in _phrases().items()
        if shared in text
        for one in phrases
        if one.start in text
    ]
    if suspects := list(_suspects(text.encode("utf-8", "replace"))):
        found += [
            one
            for one in _formats(is_word=True)
            if any(word.startswith(one.start) for word in suspects)
        ]
    return found


def _suspects(text: bytes) -> Iterator[str]:
    """Long words that begin as a credential does.

    Found in the text's shape, since nothing is as fast as a search for fixed bytes.
    """
    beginnings, heads = _beginnings(), _heads()
    shape = text.translate(SHAPE)
    start = shape.find(LONG_WORD)
    while start >= 0:
        end = shape.find(b" ", start)
        end = end if end >= 0 else len(text)
        if text[start : start + HEAD] in heads and text.startswith(beginnings, start):
            yield text[start:end].decode()
        start = shape.find(LONG_WORD, end)


@cache
def _formats(*, is_word: bool) -> tuple[Format, ...]:
    return tuple(one for one in formats() if one.is_word == is_word)


@cache
def _phrases() -> Mapping[str, tuple[Format, ...]]:
    """Formats that do not begin with a whole word, by what the starts of a row share."""
    rows: defaultdict[str, list[Format]] = defaultdict(list)
    for one in _formats(is_word=False):
        rows[one.row].append(one)
    found: defaultdict[str, tuple[Format, ...]] = defaultdict(tuple)
    for row in rows.values():
        shared = _shared([one.start for one in row])
        for one in row:
            found[shared or one.start] += (one,)
    return found


def _shared(texts: Sequence[str]) -> str:
    """The longest part of all of them; a search for one character finds too much.

    >>> _shared(["hvs.", "hvb.", "hvr."]), _shared(["Bearer ", "Basic "])
    ('hv', '')
    """
    first = texts[0]
    parts = (
        first[start : start + n]
        for n in range(len(first), 1, -1)
        for start in range(len(first) - n + 1)
    )
    return next((part for part in parts if all(part in each for each in texts)), "")


@cache
def _beginnings() -> tuple[bytes, ...]:
    return tuple(one.start.encode() for one in _formats(is_word=True))


@cache
def _heads() -> frozenset[bytes]:
    return frozenset(one[:HEAD] for one in _beginnings())
