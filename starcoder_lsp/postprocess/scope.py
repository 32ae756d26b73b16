"""Where a suggestion ends: at its line, or with the block that the cursor's line opens.

Runs on every piece of the stream, so that the model stops as early as it can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starcoder_lsp.flow import Cursor
from starcoder_lsp.languages import Language
from starcoder_lsp.postprocess.place import Cut, Place

TAB_WIDTH = 8
BRACE = "{"
# A line after which a brace may follow on a line of its own.
HEAD = re.compile(r"[\w)>\]]\s*$")
LONGEST_CLOSER = len("elseif")
# What may stand after the cursor of a line that still counts as finished.
CLOSING = frozenset(")]}>\"'`;:, \t")


@dataclass(frozen=True)
class Block:
    """The line that opens what may be filled, and how deep it stands."""

    opener: str
    base: int
    row: Language


def scope(text: str, place: Place) -> Cut:
    r"""Keep the line, or the block.

    >>> scope("1\nreturn 2", Place.marked("x = █")).text
    '1'
    >>> scope("\n    return 1\n\ndef g", Place.marked("def f():█")).text
    '\n    return 1'
    """
    first, newline, rest = text.partition("\n")
    if not newline:
        return Cut(text, is_final=False)
    cursor, row, multiline = place.cursor, place.row, place.style.multiline
    line = cursor.line_prefix + first
    if multiline == "never" or not closes_only(cursor.line_suffix):
        return Cut(first, is_final=True)
    if row.allman and HEAD.search(line):
        if not rest.strip():
            return Cut(first, is_final=False)
        if rest.lstrip().startswith(BRACE):
            return _cut_allman(first, rest, line, row)
    block = _block(line, cursor, row, multiline)
    if block is None:
        return Cut(first, is_final=True)
    kept, is_final = _lines_inside(rest.split("\n"), block)
    return Cut("\n".join([first, *kept]), is_final)


def closes_only(line_suffix: str) -> bool:
    """Whether the rest of the line only closes what is open.

    >>> closes_only(");"), closes_only(" + 1")
    (True, False)
    """
    return all(character in CLOSING for character in line_suffix)


def width(line: str) -> int:
    """The columns before the first text, with tabs to every eighth column."""
    expanded = line.expandtabs(TAB_WIDTH)
    return len(expanded) - len(expanded.lstrip(" "))


def _block(line: str, cursor: Cursor, row: Language, multiline: str) -> Block | None:
    """What may be filled; None means one line only.

    `line` is the cursor's line with what the model wrote into it, so that a line which
    the model lets open a block counts as one that the user wrote.
    """
    above = next((one for one in cursor.lines_above if one.strip()), "")
    openers = [line if line.strip() else above]
    if not cursor.line_prefix.strip() and width(line) > width(above):
        openers.append(above)
    for opener in openers:
        if _opens(opener, row) and not _has_body(cursor, width(opener)):
            return Block(opener, width(opener), row)
    return Block(line, width(line) - 1, row) if multiline == "always" else None


def _cut_allman(first: str, rest: str, line: str, row: Language) -> Cut:
    """The block whose brace stands alone on the next line."""
    blank, brace, inside = rest.partition(BRACE)
    block = Block(BRACE, width(line), row)
    kept, is_final = _lines_inside(inside.split("\n"), block)
    return Cut(f"{first}\n{blank}{brace}" + "\n".join(kept), is_final)


def _opens(line: str, row: Language) -> bool:
    return bool(row.opens.search(line.rstrip()))


def _has_body(cursor: Cursor, base: int) -> bool:
    """Whether the lines below already fill the block opened at `base`."""
    following = next((line for line in cursor.lines_below if line.strip()), "")
    return bool(following) and width(following) > base


def _lines_inside(lines: list[str], block: Block) -> tuple[list[str], bool]:
    """The lines of the block and those that close it; whether more cannot follow."""
    kept: list[str] = []
    for i, line in enumerate(lines):
        is_whole = i < len(lines) - 1
        if is_whole and i > 0 and not line.strip() and not lines[i - 1].strip():
            return _without_blank_end(kept), True
        if not line.strip() or width(line) > block.base or _floats(line, block):
            kept.append(line)
        elif not is_whole and _may_close(line, block):
            closes = block.row.closes.match(line.lstrip())
            return _without_blank_end([*kept, line] if closes else kept), False
        elif not _closes(line, block):
            return _without_blank_end(kept), True
        else:
            kept.append(line)
            # What closes one block and opens the next, such as an else, goes on.
            if not _opens(line, block.row):
                return kept, True
    return _without_blank_end(kept), False


def _floats(line: str, block: Block) -> bool:
    """Whether a line such as a label stands where it likes inside braces."""
    in_braces = block.opener.rstrip().endswith(BRACE)
    return in_braces and bool(block.row.floats.match(line.strip()))


def _closes(line: str, block: Block) -> bool:
    return width(line) == block.base and bool(block.row.closes.match(line.lstrip()))


def _may_close(line: str, block: Block) -> bool:
    """Whether a line that is still being written closes the block, or yet may."""
    start = line.strip()
    if _closes(line, block):
        return True
    is_short = start.isalpha() and len(start) < LONGEST_CLOSER
    return is_short and width(line) == block.base


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
