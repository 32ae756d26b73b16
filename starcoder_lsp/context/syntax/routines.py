"""Removes functions of languages that indent from a source, by their heads alone.

A head says all that the index keeps of a function, and matching it takes a fifth of the
time of a parser and its queries. The parser gets whatever no pattern is sure of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from starcoder_lsp.context.syntax.comments import doc_above, doc_inside
from starcoder_lsp.languages import Language

LONGEST_HEAD_BYTES = 4000
LONGEST_DECORATORS_BYTES = 10_000

# From the second letter of a function's name to the end of its head or one-line body.
HEAD = re.compile(
    rb"(?P<name>\w*+)(?:\[[^\]\n]*+\])?[ \t]*+"
    rb"\([^()]*+(?:\([^()]*+(?:\([^()]*+\)[^()]*+)*+\)[^()]*+)*+\)"
    rb"[^:#]*+:[ \t\r]*+(?P<stub>(?:\.\.\.|pass)[ \t\r]*+)?(?:#[^\n]*+)?(?=\n)"
)
TRIPLE = (b'"""', b"'''")
# A comment, the start of a long string, or all of a short one.
STRING = re.compile(
    rb"""#[^\n]*+|\"{3}|'{3}|"(?:\\.|[^"\\\n])*+"|'(?:\\.|[^'\\\n])*+'""", re.DOTALL
)
BLANK = re.compile(rb"\s*+(?:#[^\n]*+\s*+)*+")
BRACKETS = (b"()", b"[]", b"{}")


class Routine(NamedTuple):
    """A function by its head; `doc` is the first line of its documentation."""

    name: str
    first_line: int
    last_line: int
    body_line: int
    signature: str
    doc: str


class Removed(NamedTuple):
    """A function, its bytes from the line break above on, and its indentation."""

    routine: Routine
    start: int
    end: int
    depth: bytes


def routines(
    source: bytes, heads: re.Pattern[bytes], row: Language
) -> Iterator[Removed]:
    """Yield functions that `heads` matches, from a line break up to a name."""
    at = gap = counted = line = 0
    while head := heads.search(source, at):
        if quote := open_quote(source, gap, head.start()):
            # Text inside a long string is not a function.
            closing = source.find(quote, head.start())
            if closing < 0:
                return
            at = gap = closing + len(quote)
            continue
        at = head.end()
        rest = HEAD.match(source, at, at + LONGEST_HEAD_BYTES)
        if rest is None:
            continue
        start = _start(source, gap, head)
        end = (
            rest.end() if rest["stub"] else _body_end(source, rest.end(), len(head[1]))
        )
        line += source.count(b"\n", counted, start + 1)
        counted = start + 1
        yield Removed(_routine(source, start, head, rest, end, line, row), start, end, head[1])  # fmt: skip
        at = gap = end


def _routine(
    source: bytes,
    start: int,
    head: re.Match[bytes],
    rest: re.Match[bytes],
    end: int,
    line: int,
    row: Language,
) -> Routine:
    signature_end = rest.start("stub") if rest["stub"] else rest.end()
    signature = source[start:signature_end].decode("utf-8", "replace").strip()
    doc = ""
    if row.docstring and not rest["stub"]:
        body = BLANK.match(source, rest.end(), end)
        doc = doc_inside(source, body.end()) if body else ""
    if not doc and source[start - 1 : start] != b"\n":
        doc = doc_above(source, start + 1, row)
    name = source[head.end() - 1 : rest.end("name")].decode("utf-8", "replace")
    return Routine(
        name,
        line,
        line + source.count(b"\n", start + 1, end),
        line + signature.count("\n") + 1,
        signature,
        doc,
    )


def _start(source: bytes, gap: int, head: re.Match[bytes]) -> int:
    """Return the line break above a function or its decorators."""
    earliest = max(gap, head.start() - LONGEST_DECORATORS_BYTES)
    if source.find(b"@", earliest, head.start()) < 0:
        return head.start()
    found = _decorators(head[1]).search(source, earliest, head.start())
    if found and is_balanced(source, found.start(), found.end()):
        return found.start()
    return head.start()


@lru_cache(maxsize=64)
def _decorators(depth: bytes) -> re.Pattern[bytes]:
    r"""Return a pattern for decorators at the end of a text, with their further lines.

    >>> _decorators(b"").search(b"x = 1\n@a\n@b(\n    1,\n)").start()
    5
    """
    deeper = rb"\n" + depth + rb"(?:[ \t]|[)\]}#])[^\n]*+"
    return re.compile(rb"(?:\n" + depth + rb"@[^\n]*+(?:" + deeper + rb")*+)++\Z")


def _body_end(source: bytes, start: int, depth: int) -> int:
    """Return the end of its last line, without blank lines and comments of the next item."""
    end = _next_line(source, start, depth)
    while True:
        end = start + len(source[start:end].rstrip())
        line = source[source.rfind(b"\n", 0, end) + 1 : end]
        text = line.lstrip()
        if end <= start or not text.startswith(b"#") or len(line) - len(text) > depth:
            return end
        end -= len(line)


def _next_line(source: bytes, start: int, depth: int) -> int:
    """Return the start of the next line that is no deeper and not inside a string."""
    ends, at = outer_line(depth), start
    while outer := ends.search(source, at):
        end = outer.start()
        quote = open_quote(source, start, end)
        if not quote:
            return end
        at = source.find(quote, end)
        if at < 0:
            break
    return len(source)


@lru_cache(maxsize=256)
def outer_line(depth: int) -> re.Pattern[bytes]:
    return re.compile(rb"\n(?<!\\\n)[ \t]{0,%d}[^ \t\r\n#]" % depth)


def open_quote(source: bytes, start: int, end: int) -> bytes:
    """Return the quotes that close a string still open at `end`; mostly empty."""
    double, single = TRIPLE
    if not (
        source.count(double, start, end) % 2 or source.count(single, start, end) % 2
    ):
        return b""
    while found := STRING.search(source, start, end):
        start = found.end()
        if found[0] in TRIPLE:
            start = source.find(found[0], start, end) + len(found[0])
            if start < found.end():
                return found[0]
    return b""


def is_balanced(source: bytes, start: int, end: int) -> bool:
    return all(
        source.count(pair[:1], start, end) == source.count(pair[1:], start, end)
        for pair in BRACKETS
    )
