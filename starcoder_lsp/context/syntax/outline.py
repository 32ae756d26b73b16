"""Removes the bodies of functions from source, so that indexing parses half as much.

Other files have no use for what is inside a function, nor for more of a long value than
its ends. Removed lines become empty ones, so that line numbers stay those of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from starcoder_lsp.context.syntax.routines import (
    TRIPLE,
    Removed,
    Routine,
    is_balanced,
    outer_line,
    routines,
)
from starcoder_lsp.languages import NOTHING, Language

# Shorter bodies are not worth removing.
SHORTEST = 3
# The head of a function has at most this many lines.
LONGEST_HEAD = 40
OPENS = re.compile(rb"\{[ \t]*\r?\n")

BEFORE_STRING = re.compile(rb"[\w \t.=:,(\[{]*+")
# A statement whose first line opens a value, at the start of a line.
VALUE = re.compile(
    rb"\n(?<![,(\[{]\n)([ \t]*+)[\w.]++(?:[:(\[]|[ \t]*+\S?=)[^\n#]*(?:[,({]|(?<![\w\])])\[)[ \t\r]*+(?=\n)"
)


class Outline(NamedTuple):
    """The source that is left to parse, and the functions that were found on the way.

    `is_certain` means that no parse error can come from what was removed.
    """

    source: bytes
    is_certain: bool
    routines: Sequence[Routine] = ()


class RemovedLines(NamedTuple):
    """Removed lines, from the end of one line to the end of another; offsets in bytes."""

    start: int
    end: int


def outline(source: bytes, row: Language) -> Outline:
    if row.routine is NOTHING:
        return Outline(source, is_certain=True)
    pattern = row.routine.pattern
    if pattern.endswith("$"):
        bodies = _braced(source, _compiled(pattern))
        return Outline(_without(source, bodies), is_certain=True)
    # Searching for a fixed byte is faster than for the start of a line.
    heads = _compiled("\n" + pattern.removeprefix("^"))
    removed = list(routines(source, heads, row))
    brief = _without_routines(source, removed)
    brief = _without(brief, _strings(brief))
    brief = _without(brief, _values(brief))
    return Outline(brief, is_certain=False, routines=[one.routine for one in removed])


@cache
def _compiled(heads: str) -> re.Pattern[bytes]:
    return re.compile(heads.encode())


def _without(source: bytes, spans: Iterator[RemovedLines]) -> bytes:
    kept: list[bytes] = []
    done = 0
    for start, end in spans:
        n_lines = source.count(b"\n", start, end)
        if n_lines >= SHORTEST:
            kept += source[done:start], b"\n" * n_lines
            done = end
    return b"".join([*kept, source[done:]])


def _without_routines(source: bytes, removed: Sequence[Removed]) -> bytes:
    """Replace each function by an empty statement on its last line: no class is empty."""
    kept: list[bytes] = []
    done = 0
    for _, start, end, depth in removed:
        n_lines = source.count(b"\n", start, end)
        kept += source[done:start], b"\n" * n_lines, depth, b"pass"
        done = end
    return b"".join([*kept, source[done:]])


def _braced(source: bytes, heads: re.Pattern[bytes]) -> Iterator[RemovedLines]:
    r"""Yield bodies up to the closing brace that is indented like their head.

    A body counts only if the braces inside it are balanced, so that a wrong guess leaves
    a function whole, and no brace alone.

    >>> source = b"f() {\n  1;\n  2;\n  3;\n}\n"
    >>> _without(source, _braced(source, re.compile(rb"^( *)\w+\(\) *\{$")))
    b'f() {\n\n\n\n}\n'
    """
    at = 0
    while opening := OPENS.search(source, at):
        at = opening.end() - 1
        line_start = source.rfind(b"\n", 0, opening.start()) + 1
        head = _head(source, line_start, opening.start() + 1)
        # A brace on a line of its own is closed at its own depth.
        depth = source[line_start : opening.start()]
        if depth.strip():
            depth = head[: len(head) - len(head.lstrip())]
        end = source.find(b"\n" + depth + b"}", at)
        if end < 0 or not heads.match(head):
            continue
        if source.count(b"{", at, end) == source.count(b"}", at, end):
            yield RemovedLines(at, end)
            at = end


def _head(source: bytes, start: int, end: int) -> bytes:
    r"""Join the line up to a brace with the lines above that it continues.

    >>> _head(b"  int f(int a,\n        int b)\n{\n", 30, 31)
    b'  int f(int a,         int b) {'
    """
    head = source[start:end]
    for _ in range(LONGEST_HEAD):
        above = source.rfind(b"\n", 0, max(start - 1, 0)) + 1
        if start == 0 or not _goes_on(head, source[above:start].rstrip()):
            break
        start, head = above, source[above:end]
    return head.rstrip(b"{").rstrip().replace(b"\n", b" ") + b" {"


def _goes_on(head: bytes, above: bytes) -> bool:
    """Return whether `head` continues the line above, as parameters may."""
    if head.count(b")") > head.count(b"(") or above.endswith((b",", b") :", b"):")):
        return True
    return head.lstrip().startswith((b"{", b":", b","))


def _strings(source: bytes) -> Iterator[RemovedLines]:
    """Yield the inner lines of long strings, after the first line with words.

    Stops at the first quotes that may not open a string: nothing before them may be a
    comment or another string.
    """
    at = 0
    while found := min(_places(source, at), default=None):
        at, quote = found
        if not BEFORE_STRING.fullmatch(source, source.rfind(b"\n", 0, at) + 1, at):
            return
        inside = at + len(quote)
        closing = source.find(quote, inside)
        if closing < 0:
            return
        words = closing - len(source[inside:closing].lstrip())
        start = source.find(b"\n", words, closing)
        if start >= 0:
            yield RemovedLines(start, closing)
        at = closing + len(quote)


def _places(source: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    for quote in TRIPLE:
        if (at := source.find(quote, start)) >= 0:
            yield at, quote


def _values(source: bytes) -> Iterator[RemovedLines]:
    """Yield the lines between the first and the last line of long values."""
    at = 0
    while opening := VALUE.search(source, at):
        start = at = opening.end()
        if is_balanced(source, opening.start(), start):
            continue
        outer = outer_line(len(opening[1])).search(source, start)
        end = outer.start() if outer else len(source)
        if outer is None or outer[0][-1:] not in b")]}":
            # The last line of the value is indented more deeply, too.
            end = source.rfind(b"\n", start, start + len(source[start:end].rstrip()))
        if end > start and is_balanced(source, start, end):
            yield RemovedLines(start, end)
            at = end
