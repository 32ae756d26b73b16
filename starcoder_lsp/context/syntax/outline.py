"""Source without the bodies of its functions, so that indexing parses half as much.

What stands in a function is of no use to other files, nor is more of a long value than
its ends. The lines stay where they are: what goes becomes empty lines, so that what is
found has the line numbers of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from starcoder_lsp.languages import NOTHING, Language

# What has fewer lines is not worth it.
SHORTEST = 3
# How many lines, and how many bytes, the head of a function may have.
LONGEST_HEAD = 40
LONGEST_HEAD_BYTES = 4000
OPENS = re.compile(rb"\{[ \t]*\r?\n")

# From the name of an indented function to the end of its head.
PARAMETERS = re.compile(
    rb"\w*+(?:\[[^\]\n]*+\])?[ \t]*+"
    rb"\([^()]*+(?:\([^()]*+(?:\([^()]*+\)[^()]*+)*+\)[^()]*+)*+\)"
    rb"[^:#]*+:[ \t\r]*+(?:#[^\n]*+)?(?=\n)"
)
TRIPLE = (b'"""', b"'''")
# A comment, the start of a long string, or all of a short one.
STRING = re.compile(
    rb"""#[^\n]*+|\"{3}|'{3}|"(?:\\.|[^"\\\n])*+"|'(?:\\.|[^'\\\n])*+'""", re.DOTALL
)
DOCSTRING = re.compile(
    rb"\s*+(?:#[^\n]*+\s*+)*+(?:([rRuU]?)(\"\"\"|'''|\"|')\s*+([^\n]*+))?"
)
# A statement whose first line leaves a value open; what ends above is no statement's part.
VALUE = re.compile(
    rb"\n(?<![,(\[{]\n)([ \t]*+)[\w.]++(?:[:(\[]|[ \t]*+\S?=)[^\n#]*(?:[,({]|(?<![\w\])])\[)[ \t\r]*+(?=\n)"
)
BRACKETS = (b"()", b"[]", b"{}")


class Outline(NamedTuple):
    """`is_certain` where no error can come from what is left out."""

    source: bytes
    is_certain: bool


class Span(NamedTuple):
    """Lines that go, from a line's end to another's, and what is left of them."""

    start: int
    end: int
    rest: bytes = b""


def outline(source: bytes, row: Language) -> Outline:
    if row.routine is NOTHING:
        return Outline(source, is_certain=True)
    pattern = row.routine.pattern
    if pattern.endswith("$"):
        bodies = _braced(source, _compiled(pattern))
        return Outline(_without(source, bodies), is_certain=True)
    # To search for a fixed byte is faster than for the start of a line.
    heads = _compiled("\n" + pattern.removeprefix("^"))
    brief = _without(source, _indented(source, heads))
    return Outline(_without(brief, _values(brief)), is_certain=False)


@cache
def _compiled(heads: str) -> re.Pattern[bytes]:
    return re.compile(heads.encode())


def _without(source: bytes, spans: Iterator[Span]) -> bytes:
    kept: list[bytes] = []
    done = 0
    for start, end, rest in spans:
        n_lines = source.count(b"\n", start, end)
        if n_lines >= SHORTEST:
            kept += source[done:start], b"\n" * n_lines, rest
            done = end
    return b"".join([*kept, source[done:]])


def _braced(source: bytes, heads: re.Pattern[bytes]) -> Iterator[Span]:
    r"""Bodies up to the brace that stands as deep as what it closes.

    Only where the braces in between are as many to each side, so that a wrong guess
    leaves a function whole, and no brace alone.

    >>> source = b"f() {\n  1;\n  2;\n  3;\n}\n"
    >>> _without(source, _braced(source, re.compile(rb"^( *)\w+\(\) *\{$")))
    b'f() {\n\n\n\n}\n'
    """
    at = 0
    while opening := OPENS.search(source, at):
        at = opening.end() - 1
        line_start = source.rfind(b"\n", 0, opening.start()) + 1
        head = _head(source, line_start, opening.start() + 1)
        # A brace on a line of its own is closed where it stands.
        depth = source[line_start : opening.start()]
        if depth.strip():
            depth = head[: len(head) - len(head.lstrip())]
        end = source.find(b"\n" + depth + b"}", at)
        if end < 0 or not heads.match(head):
            continue
        if source.count(b"{", at, end) == source.count(b"}", at, end):
            yield Span(at, end)
            at = end


def _head(source: bytes, start: int, end: int) -> bytes:
    r"""The line up to a brace, with those above that it goes on from, as one line.

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
    """Parameters, and what a constructor sets first, may have lines of their own."""
    if head.count(b")") > head.count(b"(") or above.endswith((b",", b") :", b"):")):
        return True
    return head.lstrip().startswith((b"{", b":", b","))


def _indented(source: bytes, heads: re.Pattern[bytes]) -> Iterator[Span]:
    """Bodies by their indentation; the last line keeps the docstring's first."""
    at = 0
    while head := heads.search(source, at):
        at = head.end()
        parameters = PARAMETERS.match(source, at, at + LONGEST_HEAD_BYTES)
        if parameters is None:
            continue
        start, depth = parameters.end(), len(head[1])
        end = _last_line_end(source, start, _end(source, start, depth), depth)
        yield Span(start, end, _remains(source, start, end))
        at = max(start, end)


def _end(source: bytes, start: int, depth: int) -> int:
    """Where a line begins that is no deeper, and not part of a string."""
    ends, at = _outer_line(depth), start
    while outer := ends.search(source, at):
        end = outer.start()
        quote = _open_quote(source, start, end)
        if not quote:
            return end
        at = source.find(quote, end)
        if at < 0:
            break
    return len(source)


@cache
def _outer_line(depth: int) -> re.Pattern[bytes]:
    return re.compile(rb"\n[ \t]{0,%d}[^ \t\r\n#]" % depth)


def _open_quote(source: bytes, start: int, end: int) -> bytes:
    """What has to close a string that goes on at `end`; mostly nothing."""
    if all(source.count(quote, start, end) % 2 == 0 for quote in TRIPLE):
        return b""
    while found := STRING.search(source, start, end):
        start = found.end()
        if found[0] in TRIPLE:
            start = source.find(found[0], start, end) + len(found[0])
            if start < found.end():
                return found[0]
    return b""


def _last_line_end(source: bytes, start: int, end: int, depth: int) -> int:
    """Without blank lines, and comments that are no deeper, before what comes next."""
    while True:
        end = start + len(source[start:end].rstrip())
        line = source[source.rfind(b"\n", 0, end) + 1 : end]
        text = line.lstrip()
        if end <= start or not text.startswith(b"#") or len(line) - len(text) > depth:
            return end
        end -= len(line)


def _remains(source: bytes, start: int, end: int) -> bytes:
    """One line that stands for a body: the docstring's first, or three dots."""
    found = DOCSTRING.match(source, start, end)
    assert found is not None
    prefix, quote, text = found.groups()
    where = found.start(1) if quote else found.end()
    depth = source[source.rfind(b"\n", 0, where) + 1 : where]
    depth = depth[: len(depth) - len(depth.lstrip())]
    if not quote:
        return depth + b"..."
    if len(quote) == 1:
        return depth + prefix + quote + text
    return depth + prefix + quote + text.partition(quote)[0] + b" " + quote


def _values(source: bytes) -> Iterator[Span]:
    """What stands between the first and the last line of a long value."""
    at = 0
    while opening := VALUE.search(source, at):
        start = at = opening.end()
        if _is_balanced(source, opening.start(), start):
            continue
        outer = _outer_line(len(opening[1])).search(source, start)
        end = outer.start() if outer else len(source)
        if outer is None or outer[0][-1:] not in b")]}":
            # The last line of the value is one of those that are deeper.
            end = source.rfind(b"\n", start, start + len(source[start:end].rstrip()))
        if end > start and _is_balanced(source, start, end):
            yield Span(start, end)
            at = end


def _is_balanced(source: bytes, start: int, end: int) -> bool:
    return all(
        source.count(pair[:1], start, end) == source.count(pair[1:], start, end)
        for pair in BRACKETS
    )
