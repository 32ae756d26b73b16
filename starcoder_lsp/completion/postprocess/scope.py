"""Where a suggestion ends: at its line, or with the block that the cursor's line opens.

Runs on every piece of the stream, so that the model stops as early as it can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starcoder_lsp.completion.postprocess.nesting import Mark, match, read
from starcoder_lsp.completion.postprocess.place import Cut, Place, ended, growing, width
from starcoder_lsp.flow import Style
from starcoder_lsp.languages import Language

BRACE = "{"
# A line after which a brace may follow on a line of its own.
HEAD = re.compile(r"[\w)>\]]\s*$")
LONGEST_CLOSER = len("elseif")
# What may stand after the cursor of a line that still counts as finished.
CLOSING = frozenset(")]}>\"'`;:, \t")
# The only lines inside brackets that a colon makes a block of; others are pairs.
LABEL = re.compile(r"\s*(?:case\b|default\b|public\b|private\b|protected\b|else\b)")
CALL = re.compile(r"[\w\])]\($")
# How far before its bracket the name of a function may begin.
LONGEST_CALLEE = 200
SECTION = re.compile(
    r"(?:@\w|#include\b|(?:(?:export|pub|public|private|static|async|default) +)*"
    r"(?:def|class|fn|func|function|fun|impl|struct|interface|enum|trait|module|namespace"
    r"|package|import|from|use|type|describe|it|test)\b)"
)


@dataclass(frozen=True)
class Block:
    """The line that opens what may be filled, and how deep it stands."""

    opener: str
    base: int
    row: Language


def new_section(text: str, place: Place) -> Cut:
    r"""Cut before the next definition at the depth of the cursor's line, or less.

    >>> new_section("x = 1\n\ndef f():", Place.marked("█")).text
    'x = 1'
    """
    lines = text.split("\n")
    depth = width(place.cursor.line_prefix + lines[0])
    end = len(lines[0])
    says_something = False
    for i, line in enumerate(lines[1:], start=1):
        is_blank = not lines[i - 1].strip()
        says_something = says_something or not is_blank
        if (
            says_something
            and is_blank
            and width(line) <= depth
            and SECTION.match(line.lstrip())
        ):
            return ended(text, len(text[:end].rstrip()))
        end += 1 + len(line)
    return growing(text)


def scope(text: str, place: Place) -> Cut:
    r"""Keep the line, or the block.

    >>> scope("1\nreturn 2", Place.marked("x = █")).text
    '1'
    >>> scope("\n    return 1\n\ndef g", Place.marked("def f():█")).text
    '\n    return 1'
    """
    first, newline, rest = text.partition("\n")
    if not newline:
        return growing(text)
    line = place.cursor.line_prefix + first
    multiline = _multiline(first, place)
    if multiline == "never":
        return Cut(first, is_final=True)
    if place.row.allman and HEAD.search(line):
        if not rest.strip():
            return growing(first)
        if rest.lstrip().startswith(BRACE):
            return _cut_allman(first, rest, line, place.row)
    block = _block(line, place, multiline)
    if block is None:
        return Cut(first, is_final=True)
    kept, is_final = _lines_inside(rest.split("\n"), block)
    if _is_quiet(place.style):
        kept, is_final = _up_to_text(kept, is_final)
    return Cut("\n".join([first, *kept]), is_final)


def closes_only(line_suffix: str) -> bool:
    """Whether the rest of the line only closes what is open.

    >>> closes_only(");"), closes_only(" + 1")
    (True, False)
    """
    return all(character in CLOSING for character in line_suffix)


def _multiline(first: str, place: Place) -> str:
    """Auto, never or always, now that the first line is written."""
    style = place.style
    if not closes_only(place.cursor.line_suffix) or _is_in_line_comment(place):
        return "never"
    if style.wants_more or style.multiline == "always":
        return "always"
    if style.multiline == "never" or (_is_quiet(style) and first.strip()):
        return "never"
    return "never" if _is_in_arguments(first, place) else "auto"


def _is_in_line_comment(place: Place) -> bool:
    return bool(place.row.comment) and place.before.literal == place.row.comment


def _is_in_arguments(first: str, place: Place) -> bool:
    """Whether the line ends among the arguments of a call, not just before them."""
    written = read(first, place.row, place.before.literal)
    if written.opens:
        inner = written.opens[-1]
        before = place.cursor.line_prefix + first[: inner.offset + 1]
        return bool(CALL.search(before)) and bool(first[inner.offset + 1 :].strip())
    rest = match(place.before.opens, written.closes).rest
    if not rest or rest[-1].text != "(" or not _encloses(rest[-1], place):
        return False
    end = rest[-1].offset + 1
    before = place.window[max(end - LONGEST_CALLEE, 0) : end]
    follows = place.window[end:] + first
    return bool(CALL.search(before)) and bool(follows.strip())


def _encloses(opener: Mark, place: Place) -> bool:
    """Whether a bracket really is open still: nobody indents less inside of one."""
    before = place.window[: opener.offset]
    line_start = before.rfind("\n") + 1
    if "\n" not in place.window[opener.offset :]:
        return True
    return width(place.window[line_start:]) < width(_current_line(place))


def _current_line(place: Place) -> str:
    line = place.cursor.line_prefix
    return line if line.strip() else line + "."


def _block(line: str, place: Place, multiline: str) -> Block | None:
    """What may be filled; None means one line only.

    `line` is the cursor's line with what the model wrote into it, so that a line which
    the model lets open a block counts as one that the user wrote.
    """
    above, row = place.above, place.row
    openers = [line if line.strip() else above]
    if not place.cursor.line_prefix.strip() and width(line) > width(above):
        openers.append(above)
    for opener in openers:
        if _opens(opener, row) and not _is_pair(opener, line, place):
            base = width(opener)
            if not _has_body(place, base):
                return Block(opener, base, row)
    return Block(line, width(line) - 1, row) if multiline == "always" else None


def _is_pair(opener: str, line: str, place: Place) -> bool:
    """Whether a colon stands between a key and its value, not before a block."""
    if not opener.rstrip().endswith(":") or LABEL.match(opener):
        return False
    if opener is not line:
        return any(_encloses(mark, place) for mark in place.before.opens[-1:])
    first = line[len(place.cursor.line_prefix) :]
    written = read(first, place.row, place.before.literal)
    rest = match(place.before.opens, written.closes).rest
    return bool(written.opens) or any(_encloses(mark, place) for mark in rest[-1:])


def _cut_allman(first: str, rest: str, line: str, row: Language) -> Cut:
    """The block whose brace stands alone on the next line."""
    blank, brace, inside = rest.partition(BRACE)
    block = Block(BRACE, width(line), row)
    kept, is_final = _lines_inside(inside.split("\n"), block)
    return Cut(f"{first}\n{blank}{brace}" + "\n".join(kept), is_final)


def _opens(line: str, row: Language) -> bool:
    return bool(row.opens.search(line.rstrip()))


def _has_body(place: Place, base: int) -> bool:
    """Whether the lines below already fill the block opened at `base`."""
    return bool(place.below) and width(place.below[0]) > base


def _is_quiet(style: Style) -> bool:
    """Whether one more line is enough after what was just accepted."""
    is_wanted = style.wants_more or style.multiline == "always"
    return style.is_after_accept and not is_wanted


def _up_to_text(lines: list[str], is_final: bool) -> tuple[list[str], bool]:
    """Up to the first line that says something; whether it is whole."""
    for i, line in enumerate(lines):
        if line.strip():
            return lines[: i + 1], is_final or i < len(lines) - 1
    return lines, is_final


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
