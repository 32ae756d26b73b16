"""Rules for the end of a suggestion: its line, or the block that the line opens.

They run on every piece of the stream, so that the model stops as early as possible. The
test for the arguments of a call follows Cody's detect-multiline.ts, and the single line
after an accepted suggestion follows Copilot.
"""

from __future__ import annotations

import re

from starcoder_lsp.completion.postprocess.blocks import (
    BRACE,
    Block,
    lines_inside,
    opens,
    up_to_text,
    without_blank_end,
)
from starcoder_lsp.completion.postprocess.nesting import (
    CLOSER_OF,
    Mark,
    code_of,
    match,
    read,
)
from starcoder_lsp.completion.postprocess.place import (
    Cut,
    Place,
    ended,
    growing,
    wants_all,
    wants_one_line,
    width,
)
from starcoder_lsp.languages import Language

# A line after which an opening brace may follow on a line of its own.
HEAD = re.compile(r"[\w)>\]]\s*$")
# If only these follow the cursor, its line counts as finished.
CLOSING = frozenset(")]}>\"'`;:, \t")
# Inside brackets a colon opens a block only on these lines; elsewhere it follows a key.
LABEL = re.compile(r"\s*(?:case\b|default\b|public\b|private\b|protected\b|else\b)")
CALL = re.compile(r"[\w\])]\($")
# The longest name of a called function, in code points.
LONGEST_CALLEE = 200
# A block that is wrong without another clause.
TRY = re.compile(r"\W*try\b")
SECTION = re.compile(
    r"(?:@\w|#include\b|(?:(?:export|pub|public|private|static|async|default) +)*"
    r"(?:def|class|fn|func|function|fun|impl|struct|interface|enum|trait|module|namespace"
    r"|package|import|from|use|type|describe|it|test)\b)"
)


def new_section(text: str, place: Place) -> Cut:
    r"""Cut before the next definition, unless it is deeper than the cursor's line.

    >>> new_section("x = 1\n\ndef f():", Place.marked("█")).text
    'x = 1'
    """
    lines = text.split("\n")
    depth = width(place.above if place.is_body else place.cursor.line_prefix + lines[0])
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
            return ended(text, len("\n".join(without_blank_end(lines[:i]))))
    return growing(text)


def scope(text: str, place: Place) -> Cut:
    r"""Keep the first line, or the block that it opens.

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
        return _next_line(first, rest, place)
    kept, is_final = lines_inside(rest.split("\n"), block)
    if wants_one_line(place.style):
        kept, is_final = up_to_text(kept, is_final)
    return Cut("\n".join([first, *kept]), is_final)


def closes_only(line_suffix: str) -> bool:
    """Return whether the rest of the line only has closing brackets, quotes and such.

    >>> closes_only(");"), closes_only(" + 1")
    (True, False)
    """
    return all(character in CLOSING for character in line_suffix)


def _next_line(first: str, rest: str, place: Place) -> Cut:
    """Return the first line, or the line below if the cursor's line is complete already.

    The line below is wanted if the setting says so, or if it is a brace that is missing at
    the end of the document.
    """
    is_complete = bool(place.cursor.line_prefix.strip()) and not first.strip()
    is_wanted = place.style.next_line and place.style.multiline != "never"
    if not is_complete or not (is_wanted or place.lacks_brace):
        return Cut(first, is_final=True)
    kept, is_whole = up_to_text(rest.split("\n"), is_final=False)
    last = kept[-1].strip()
    if last and (is_wanted or last[0] == CLOSER_OF[BRACE]):
        return Cut("\n".join([first, *kept]), is_whole)
    return Cut(first, is_whole)


def _multiline(first: str, place: Place) -> str:
    """Return auto, never or always, once the first line is written."""
    style = place.style
    is_in_comment = _is_in_line_comment(place) and bool(first.strip())
    if not closes_only(place.cursor.line_suffix) or is_in_comment:
        return "never"
    if wants_all(style):
        return "always"
    if style.multiline == "never" or (wants_one_line(style) and first.strip()):
        return "never"
    return "never" if _is_in_arguments(first, place) else "auto"


def _is_in_line_comment(place: Place) -> bool:
    return bool(place.row.comment) and place.before.literal == place.row.comment


def _is_in_arguments(first: str, place: Place) -> bool:
    """Return whether the line ends among the arguments of a call, after the first."""
    line = place.cursor.line_prefix + first
    if place.is_body or _opens_by_word(line, place):
        return False
    written = read(first, place.row, place.before.literal)
    if written.opens:
        inner = written.opens[-1]
        before = line[: len(line) - len(first) + inner.offset + 1]
        return bool(CALL.search(before)) and bool(first[inner.offset + 1 :].strip())
    rest = match(place.before.opens, written.closes).rest
    if not rest or rest[-1].text != "(" or not _encloses(rest[-1], place):
        return False
    end = rest[-1].offset + 1
    before = place.window[max(end - LONGEST_CALLEE, 0) : end]
    follows = place.window[end:] + first
    return bool(CALL.search(before)) and bool(follows.strip())


def _opens_by_word(line: str, place: Place) -> bool:
    """Return whether a line opens a block without a bracket, such as a Lua function."""
    said = code_of(line, place.row)
    return opens(said, place.row) and (said[-1].isalnum() or said[-1] in ")|")


def _encloses(opener: Mark, place: Place) -> bool:
    """Return whether the cursor is on the line of an open bracket, or deeper."""
    before = place.window[: opener.offset]
    line_start = before.rfind("\n") + 1
    if "\n" not in place.window[opener.offset :]:
        return True
    return width(place.window[line_start:]) < width(_current_line(place))


def _current_line(place: Place) -> str:
    line = place.cursor.line_prefix
    return line if line.strip() else line + "."


def _block(line: str, place: Place, multiline: str) -> Block | None:
    """Return the block to complete; None for one line only.

    `line` is the cursor's line with the model's text, so that the model may open the
    block too.
    """
    above, row = place.above, place.row
    openers = [line] if line.strip() else [above]
    if not place.cursor.line_prefix.strip() and width(line) > width(above):
        openers.insert(0, above)
    for opener in openers:
        if opens(opener, row) and not _is_pair(opener, line, place):
            base = width(opener)
            if not _has_body(place, base):
                is_own = opener is line and not place.cursor.line_prefix.strip()
                goes_on = is_own or bool(TRY.match(opener))
                is_typed = opener is not line or not _has_opener(line, place)
                has_end = is_typed and _is_end_below(place, base)
                return Block(opener, base, row, goes_on, has_end)
    return Block(line, width(line) - 1, row) if multiline == "always" else None


def _has_opener(line: str, place: Place) -> bool:
    """Return whether the model has opened a bracket on the cursor's line."""
    first = line[len(place.cursor.line_prefix) :]
    return bool(read(first, place.row, place.before.literal).opens)


def _is_pair(opener: str, line: str, place: Place) -> bool:
    """Return whether the colon at the end of a line follows a key, not a block head."""
    if not opener.rstrip().endswith(":") or LABEL.match(opener):
        return False
    if opener is not line:
        return any(_encloses(mark, place) for mark in place.before.opens[-1:])
    first = line[len(place.cursor.line_prefix) :]
    written = read(first, place.row, place.before.literal)
    rest = match(place.before.opens, written.closes).rest
    return bool(written.opens) or any(_encloses(mark, place) for mark in rest[-1:])


def _cut_allman(first: str, rest: str, line: str, row: Language) -> Cut:
    """Return the block whose opening brace stands on the next line."""
    blank, brace, inside = rest.partition(BRACE)
    block = Block(BRACE, width(line), row)
    kept, is_final = lines_inside(inside.split("\n"), block)
    return Cut(f"{first}\n{blank}{brace}" + "\n".join(kept), is_final)


def _has_body(place: Place, base: int) -> bool:
    """Return whether the lines below already are the body of a block at `base`."""
    return bool(place.below) and width(place.below[0]) > base


def _is_end_below(place: Place, base: int) -> bool:
    """Return whether the next line is the last one of a block at `base`."""
    below = place.below[0] if place.below else ""
    is_closing = bool(place.row.closes.match(below.lstrip()))
    if base == 0 and place.lacks_closer:
        # It ends a block around this one that is not indented, such as a namespace.
        return False
    return is_closing and width(below) == base and not opens(below, place.row)
