"""Finds the secrets around a cursor, fast enough for every keystroke.

Each keystroke searches only the cursor's line. The lines above and below are searched in
blocks, and the results are remembered by the text of a block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from starcoder_lsp.context.secrets.detect import Secret, secrets
from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.context.secrets.typed import secret_typed
from starcoder_lsp.flow import Cursor

BLOCK = 8192
MAX_BLOCKS, MAX_REGIONS = 64, 8
# The largest distance of a name and its value.
MARGIN = 256
# How much of the cursor's line each keystroke searches, on both sides.
NEAR = 2048
# The beginnings and ends of secrets of many lines, and how long they may be.
OPENERS = (("-----BEGIN ", "-----END"), ("kind: Secret", "\n---"))
LONGEST_SECRET = 20_000
# The rest of a value behind the cursor in it.
TYPED_ON = re.compile(r"""[^\s"'`<>;,)\]}]{0,256}""")


def secrets_around(cursor: Cursor, start: int, end: int) -> list[Secret]:
    """Return the secrets of the cursor's document from offset `start` up to `end`, in order.

    A value that the user is typing after a secret's name counts from its first character.
    """
    text, language = cursor.document.text, cursor.document.language
    line_start = cursor.offset - len(cursor.line_prefix[-NEAR:])
    line_end = cursor.offset + len(cursor.line_suffix[:NEAR])
    # The region begins on a grid, so that its text is the same after the next keystroke.
    first = _opened_before(text, _line_start(text, start // BLOCK * BLOCK))
    last = max(_line_start(text, min(end, len(text))), line_end)
    begin = _opened_before(text, line_end)
    found = [
        *_moved(_in_region(text[first:line_start], language), first),
        *_on_line(text, line_start, line_end, cursor.offset, language),
        *_moved(_in_region(text[begin:last], language), begin),
    ]
    return [one for one in _joined(found) if one.end > start and one.start < end]


def _moved(found: Iterable[Secret], n_characters: int) -> Iterator[Secret]:
    for start, end, mark in found:
        yield Secret(start + n_characters, end + n_characters, mark)


@lru_cache(maxsize=MAX_REGIONS)
def _in_region(text: str, language: str) -> tuple[Secret, ...]:
    """Search whole lines block by block; after a new line most blocks are known."""
    cuts = [_line_start(text, at) for at in range(0, len(text), BLOCK)]
    found: list[Secret] = []
    for start, end in pairwise((*cuts, len(text))):
        begin = _opened_before(text, start, MARGIN)
        found += _moved(_in_block(text[begin:end], language), begin)
    return tuple(found)


@lru_cache(maxsize=MAX_BLOCKS)
def _in_block(text: str, language: str) -> tuple[Secret, ...]:
    return tuple(secrets(Searchable(text), language))


def _on_line(
    text: str, start: int, end: int, offset: int, language: str
) -> Iterator[Secret]:
    """Search the cursor's line as it is, and as if it ended at the cursor."""
    begin = _opened_before(text, start, MARGIN)
    whole = text[begin : _line_start(text, end + MARGIN)]
    yield from _moved(secrets(Searchable(whole), language), begin)
    if typed := secret_typed(text[begin:offset], language):
        rest = TYPED_ON.match(text, offset)
        yield Secret(begin + typed.start, rest.end() if rest else offset, typed.mark)


def _line_start(text: str, at: int) -> int:
    """Return the next beginning of a line, or `at` where none is near."""
    if at <= 0:
        return 0
    line_end = text.find("\n", at - 1, at + MARGIN)
    return min(line_end + 1 if line_end >= 0 else at, len(text))


def _opened_before(text: str, at: int, margin: int = 0) -> int:
    """Return where a search has to begin to find a secret that goes on at `at`."""
    first = _beginning_near(text, at - margin) if margin else at
    for opener, closer in OPENERS:
        begin = text.rfind(opener, max(at - LONGEST_SECRET, 0), at)
        if begin >= 0 and text.find(closer, begin, at) < 0:
            first = min(first, begin)
    return first


def _beginning_near(text: str, at: int) -> int:
    """Return the beginning of the line of `at`, or a place near it in a long line."""
    nearest = max(at - NEAR, 0)
    return max(text.rfind("\n", nearest, max(at, 0)) + 1, nearest)


def _joined(found: Iterable[Secret]) -> list[Secret]:
    """Sort secrets, and merge those that overlap or touch."""
    joined: list[Secret] = []
    for one in sorted(found):
        if joined and one.start <= joined[-1].end:
            last = joined.pop()
            one = Secret(last.start, max(last.end, one.end), last.mark)
        if one.end > one.start:
            joined.append(one)
    return joined
