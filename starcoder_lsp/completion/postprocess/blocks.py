"""Finds the end of a block in the text of a model, by indentation and closing lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starcoder_lsp.completion.postprocess.nesting import code_of
from starcoder_lsp.completion.postprocess.place import width
from starcoder_lsp.languages import Language

BRACE = "{"
# The first characters of the closers of tags.
HALF_CLOSERS = frozenset("</")
LONGEST_CLOSER = len("elseif")
# The clauses of a statement.
CLAUSE = re.compile(r"(?:else|elif|elsif|except|catch|finally|rescue|ensure)\b")


@dataclass(frozen=True)
class Block:
    """The line that opens a block, and the width of its indentation in columns.

    `goes_on`: clauses at the same depth, such as an else, belong to it. `has_end`: its
    last line stands below already.
    """

    opener: str
    base: int
    row: Language
    goes_on: bool = False
    has_end: bool = False


def opens(line: str, row: Language) -> bool:
    return bool(row.opens.search(code_of(line, row)))


def lines_inside(lines: list[str], block: Block) -> tuple[list[str], bool]:
    """Return the lines of the block and its end, and whether it is complete."""
    kept: list[str] = []
    is_closed = False
    for i, line in enumerate(lines):
        is_whole = i < len(lines) - 1
        is_blank = not line.strip()
        if is_whole and i > 0 and is_blank and not lines[i - 1].strip():
            return without_blank_end(kept), True
        if _goes_on(line, block, is_closed=is_closed):
            kept.append(line)
            is_closed = is_closed and is_blank
            continue
        if is_closed or not _closes(line, block):
            return without_blank_end(kept), is_whole or not _may_close(line, block)
        # A line that closes one block and opens another, such as an else, goes on.
        is_closed = not opens(line, block.row)
        if not (is_closed and block.has_end):
            kept.append(line)
        if is_closed and not block.goes_on:
            return without_blank_end(kept), is_whole
    return without_blank_end(kept), False


def up_to_text(lines: list[str], is_final: bool) -> tuple[list[str], bool]:
    """Return the lines up to the first with text, and whether it is complete."""
    for i, line in enumerate(lines):
        if line.strip():
            return lines[: i + 1], is_final or i < len(lines) - 1
    return lines, is_final


def _goes_on(line: str, block: Block, *, is_closed: bool) -> bool:
    is_inside = _is_inside(line, block) and not (is_closed and line.strip())
    return is_inside or _is_clause(line, block)


def _is_inside(line: str, block: Block) -> bool:
    return not line.strip() or width(line) > block.base or _floats(line, block)


def _is_clause(line: str, block: Block) -> bool:
    """Return whether a line is another clause of the block's statement."""
    is_clause = block.goes_on and width(line) == block.base
    return is_clause and bool(CLAUSE.match(line.lstrip()))


def _floats(line: str, block: Block) -> bool:
    """Return whether a line, such as a label, may be indented anyhow inside braces."""
    in_braces = block.opener.rstrip().endswith(BRACE)
    return in_braces and bool(block.row.floats.match(line.strip()))


def _closes(line: str, block: Block) -> bool:
    return width(line) == block.base and bool(block.row.closes.match(line.lstrip()))


def _may_close(line: str, block: Block) -> bool:
    """Return whether an incomplete line closes the block, or may yet do so."""
    start = line.strip()
    if _closes(line, block):
        return True
    is_short = start.isalpha() and len(start) < LONGEST_CLOSER
    return (is_short or start in HALF_CLOSERS) and width(line) == block.base


def without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
