"""Where a suggestion ends: at its line, or with the block that the cursor's line opens.

Runs on every piece of the stream, so that the model stops as early as it can.
"""

from __future__ import annotations

from dataclasses import dataclass

from starcoder_lsp.flow import Cursor

TAB_WIDTH = 8
OPENERS = ("{", "(", "[", ":", "=>", "->", " do", " then", "else", "begin")
CLOSERS = ("}", ")", "]", "end", "</")
CLOSING = frozenset(")]}>\"'`;:, \t")


@dataclass(frozen=True)
class Cut:
    """The part that belongs here; `is_final` when no further text can belong."""

    text: str
    is_final: bool


def cut(text: str, cursor: Cursor, multiline: str = "auto") -> Cut:
    r"""Keep the line, or the block.

    >>> cut("1\nreturn 2", Cursor.marked("x = █")).text
    '1'
    >>> cut("\n    return 1\n\ndef g", Cursor.marked("def f():█")).text
    '\n    return 1'
    """
    first, newline, rest = text.partition("\n")
    if not newline:
        return Cut(text, is_final=False)
    base = block_base(first, cursor, multiline)
    if base is None:
        return Cut(first, is_final=True)
    kept, is_final = _lines_inside(rest.split("\n"), base)
    return Cut("\n".join([first, *kept]), is_final)


def block_base(first: str, cursor: Cursor, multiline: str) -> int | None:
    """The indent of the line whose block may be filled; None means one line only.

    `first` is the suggestion's first line, so that a line which opens a block by what
    the model wrote counts as one that the user wrote.
    """
    if multiline == "never" or not closes_only(cursor.line_suffix):
        return None
    line = cursor.line_prefix + first
    opener = line if line.strip() else _last_line(cursor.prefix)
    if opens_block(opener) and not _has_body(cursor, width(opener)):
        return width(opener)
    if not cursor.line_prefix.strip() and opens_block(_last_line(cursor.prefix)):
        opener = _last_line(cursor.prefix)
        if width(line) > width(opener) and not _has_body(cursor, width(opener)):
            return width(opener)
    return width(line) - 1 if multiline == "always" else None


def closes_only(line_suffix: str) -> bool:
    """Whether the rest of the line only closes what is open.

    >>> closes_only(");"), closes_only(" + 1")
    (True, False)
    """
    return all(character in CLOSING for character in line_suffix)


def opens_block(line: str) -> bool:
    return line.rstrip().endswith(OPENERS)


def width(line: str) -> int:
    """The columns before the first text, with tabs to every eighth column."""
    expanded = line.expandtabs(TAB_WIDTH)
    return len(expanded) - len(expanded.lstrip(" "))


def _last_line(prefix: str) -> str:
    """The last line above the cursor's that is not blank."""
    above = prefix.splitlines()[: None if prefix.endswith(("\n", "\r")) else -1]
    return next((line for line in reversed(above) if line.strip()), "")


def _has_body(cursor: Cursor, base: int) -> bool:
    """Whether the lines below already fill the block opened at `base`."""
    below = cursor.suffix[len(cursor.line_suffix) :].splitlines()
    following = next((line for line in below if line.strip()), "")
    return bool(following) and width(following) > base


def _lines_inside(lines: list[str], base: int) -> tuple[list[str], bool]:
    """The lines deeper than `base`, and the line that closes them."""
    kept: list[str] = []
    for i, line in enumerate(lines):
        is_last = i == len(lines) - 1
        if not line.strip():
            if kept and not kept[-1].strip() and not is_last:
                return _without_blank_end(kept), True
            kept.append(line)
        elif width(line) > base:
            kept.append(line)
        elif width(line) == base and line.lstrip().startswith(CLOSERS):
            return [*kept, line], not is_last
        elif width(line) == base and is_last and _may_close(line.strip()):
            return _without_blank_end(kept), False
        else:
            return _without_blank_end(kept), True
    return _without_blank_end(kept), False


def _may_close(start: str) -> bool:
    """Whether an unfinished line may still become a closing one."""
    return any(closer.startswith(start) for closer in CLOSERS)


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
