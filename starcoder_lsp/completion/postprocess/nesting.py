"""Finds the brackets, strings and comments that are open at the end of a text.

It is a scanner, not a parser: it knows the quotes, comments and brackets of each
language, takes a fraction of a millisecond, and accepts unfinished code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from starcoder_lsp.languages import Language

CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
BRACKETS = frozenset("()[]{}")
# A bound against hostile files; code is not nested so deep.
DEEPEST = 200
# The number of texts whose nesting is cached: above and below a few cursors.
MAX_REMEMBERED = 32
TRIPLE = ('"""', "'''")
# Strings that may span lines; backticks do in JavaScript and Go.
LONG_QUOTES = frozenset((*TRIPLE, "`"))
CHARACTER = r"'(?:\\.|[^\\'\n])'"


@dataclass(frozen=True)
class Mark:
    """A bracket, or the opening mark of a string or comment, and its offset."""

    text: str
    offset: int


@dataclass(frozen=True)
class Nesting:
    """The marks that a text leaves open, and those that it closes without opening them.

    Both are in the order of the text. `literal` is the opening mark of the string or
    comment in which the text ends; a string's is also the last of `opens`.
    """

    opens: tuple[Mark, ...] = ()
    closes: tuple[Mark, ...] = ()
    literal: str = ""


def read(text: str, row: Language, literal: str = "") -> Nesting:
    """Return the nesting of `text`, which begins inside the literal `literal`.

    >>> from starcoder_lsp.languages import language
    >>> nesting = read('f(a[1], "(")) # (', language("python"))
    >>> [mark.text for mark in nesting.closes], nesting.literal
    ([')'], '#')
    """
    # The lines above stay the same while the user types on one line.
    start = text.rfind("\n") + 1
    above = (
        _read_lines(text[:start], row, literal) if start else Nesting((), (), literal)
    )
    return _read_on(text, start, row, above)


@lru_cache(maxsize=MAX_REMEMBERED)
def code_of(line: str, row: Language) -> str:
    """Return a line without the comment at its end, and without trailing space.

    >>> from starcoder_lsp.languages import language
    >>> code_of("def f(a='#'):  # why", language("python"))
    "def f(a='#'):"
    """
    at, search = 0, _tokens(row).search
    while row.comment and (found := search(line, at)):
        if found[0] == row.comment:
            return line[: found.start()].rstrip()
        at = found.end()
        if found[0] not in BRACKETS and not found["character"]:
            at = _end_of_literal(line, at, found[0], row) or len(line)
    return line.rstrip()


@lru_cache(maxsize=MAX_REMEMBERED)
def _read_lines(text: str, row: Language, literal: str) -> Nesting:
    return _read_on(text, 0, row, Nesting((), (), literal))


def _read_on(text: str, start: int, row: Language, above: Nesting) -> Nesting:
    """Read `text` from `start` on; `above` is the nesting of the part before."""
    opens, closes = list(above.opens), list(above.closes)
    at = _leave(above.literal, text, start, row, opens, closes)
    mark = Mark(above.literal, start)
    search = _tokens(row).search
    while at is not None and (found := search(text, at)):
        mark, at = Mark(found[0], found.start()), found.end()
        if mark.text in CLOSER_OF:
            opens.append(mark)
        elif mark.text in CLOSER_OF.values():
            _close(mark, opens, closes)
        elif not found["character"]:
            at = _end_of_literal(text, at, mark.text, row)
            if at is None and _is_quote(mark.text, row):
                opens.append(mark)
    return Nesting(tuple(opens), tuple(closes), mark.text if at is None else "")


def _leave(
    literal: str,
    text: str,
    start: int,
    row: Language,
    opens: list[Mark],
    closes: list[Mark],
) -> int | None:
    """Return the end of `literal`, in which `start` stands; None if it has no end."""
    at = _end_of_literal(text, start, literal, row) if literal else start
    if literal and at is not None and at > start and _is_quote(literal, row):
        if opens and opens[-1].text == literal:
            opens.pop()
        else:
            closes.append(Mark(literal, at - len(literal)))
    return at


@dataclass(frozen=True)
class Match:
    """The openers without closer, the number skipped, the closers without opener."""

    rest: tuple[Mark, ...]
    n_skipped: int
    surplus: tuple[Mark, ...]


def match(opens: Sequence[Mark], closes: Sequence[Mark]) -> Match:
    """Match each of `closes` with the innermost of `opens` that fits.

    The openers between them count as skipped.
    """
    stack = list(opens[-DEEPEST:])
    surplus: list[Mark] = []
    n_skipped = 0
    for closer in closes[:DEEPEST]:
        depth = next(
            (n for n, mark in enumerate(reversed(stack)) if _fits(mark, closer)), None
        )
        if depth is None:
            surplus.append(closer)
            continue
        n_skipped += depth
        del stack[len(stack) - depth - 1 :]
    return Match(tuple(stack), n_skipped, tuple(surplus))


def _is_quote(literal: str, row: Language) -> bool:
    return literal in row.quotes or literal in LONG_QUOTES


def _fits(opener: Mark, closer: Mark) -> bool:
    return CLOSER_OF.get(opener.text, opener.text) == closer.text


def _close(closer: Mark, opens: list[Mark], closes: list[Mark]) -> None:
    """Close the last opener; a closer that does not fit it is ignored."""
    if not opens:
        closes.append(closer)
    elif _fits(opens[-1], closer):
        opens.pop()


def _end_of_literal(text: str, at: int, literal: str, row: Language) -> int | None:
    """Return where the literal that goes on at `at` ends; None if it does not."""
    if literal == row.comment:
        end = text.find("\n", at)
        return end if end >= 0 else None
    if literal == row.block_comment[0]:
        literal = row.block_comment[1]
    elif literal not in LONG_QUOTES:
        found = _string_end(literal).match(text, at)
        # A quote that is not closed on its line is taken for an apostrophe.
        return at if found is None else found.end() if found[1] else None
    end = text.find(literal, at)
    return end + len(literal) if end >= 0 else None


@cache
def _string_end(quote: str) -> re.Pattern[str]:
    return re.compile(rf"(?:[^\\\n{quote}]|\\.|\\\n)*+({quote}|\Z)", re.DOTALL)


@cache
def _tokens(row: Language) -> re.Pattern[str]:
    literals = [*TRIPLE, *row.quotes, row.comment, row.block_comment[0]]
    longest_first = sorted(filter(None, literals), key=len, reverse=True)
    character = CHARACTER if "'" not in row.quotes else "(?!)"
    one_of = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?P<character>{character})|{one_of}|[(\[{{}})\]]")
