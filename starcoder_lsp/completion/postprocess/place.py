"""Facts about the place of a suggestion, computed once per request."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from starcoder_lsp.completion.postprocess.nesting import (
    Match,
    Nesting,
    code_of,
    match,
    read,
)
from starcoder_lsp.flow import NEAR, USUAL_STYLE, Cursor, Style
from starcoder_lsp.languages import Language, language
from starcoder_lsp.languages.lines import indentation, n_common

TAB_WIDTH = 8
# A unit is frequent if it occurs at least a fourth as often as the most frequent one.
OFTEN = 4
SMALLEST_UNIT, LARGEST_UNIT = 2, 8
# The lines on each side of the cursor that tell the unit of indentation first.
NEAR_LINES = 30
# How many code points before the cursor are searched for open brackets.
FAR = 4 * NEAR
# A line without indentation is usually outside all blocks.
LEFT_EDGE = re.compile(r"\n(?=\w)")


@dataclass(frozen=True)
class Place:
    """A cursor, the user's style, and the facts about the text for the cursor.

    `is_cut_off`: the model ran out of tokens or time. `n_inserted`: so many characters
    right of the cursor are closers that the editor has inserted.
    """

    cursor: Cursor
    style: Style = USUAL_STYLE
    is_cut_off: bool = False
    n_inserted: int = 0

    @classmethod
    def marked(cls, text: str, language: str = "python") -> Place:
        """Return the place where the mark stands in `text`, for examples."""
        return cls(Cursor.marked(text, language))

    @cached_property
    def row(self) -> Language:
        """The document's row in the table of languages."""
        return language(self.cursor.document.language)

    @cached_property
    def above(self) -> str:
        """The nearest line above that is not blank, or `""`."""
        return next((line for line in self.cursor.lines_above if line.strip()), "")

    @cached_property
    def below(self) -> list[str]:
        """The lines below that are not blank, without trailing space."""
        return [line.rstrip() for line in self.cursor.lines_below if line.strip()]

    @cached_property
    def is_blank_line(self) -> bool:
        cursor = self.cursor
        return not cursor.line_prefix.strip() and not cursor.line_suffix.strip()

    @cached_property
    def before(self) -> Nesting:
        """The nesting at the cursor."""
        return read(self.window, self.row)

    @cached_property
    def window(self) -> str:
        """The end of the prefix that `before` is computed from."""
        prefix = self.cursor.prefix
        if len(prefix) <= FAR:
            return prefix
        edge = LEFT_EDGE.search(prefix, len(prefix) - FAR)
        return prefix[edge.end() if edge else len(prefix) - FAR :]

    @property
    def is_far(self) -> bool:
        """True if brackets before `window` may be open too."""
        return len(self.window) < len(self.cursor.prefix)

    @cached_property
    def inserted(self) -> str:
        """The closers right of the cursor that the editor has inserted."""
        return self.cursor.suffix[: self.n_inserted]

    @cached_property
    def following(self) -> str:
        """The text after the cursor, as far as rules look at it."""
        return self.cursor.suffix[:NEAR]

    @cached_property
    def after(self) -> Nesting:
        """The nesting of the text after the cursor."""
        return read(self.following, self.row, self.before.literal)

    @cached_property
    def closed(self) -> Match:
        """The match of the brackets open at the cursor with those that follow it."""
        return match(self.before.opens, self.after.closes)

    @property
    def lacks_closer(self) -> bool:
        """True if a bracket is open that the whole rest of the document does not close."""
        return bool(self.closed.rest) and len(self.following) == len(self.cursor.suffix)

    @cached_property
    def lacks_brace(self) -> bool:
        """True at the end of a document that leaves a brace open."""
        is_end = not self.cursor.suffix.strip()
        return is_end and any(m.text == "{" for m in self.closed.rest[-1:])

    @cached_property
    def is_inside_brackets(self) -> bool:
        """True among arguments or elements, which may be indented anyhow."""
        return any(mark.text in "([" for mark in self.before.opens[-1:])

    @cached_property
    def is_inside_brackets_above(self) -> bool:
        """True among arguments or elements that begin above the cursor's line."""
        line_start = len(self.window) - len(self.cursor.line_prefix)
        marks = self.before.opens
        return any(m.text in "([" and m.offset < line_start for m in marks[-1:])

    @cached_property
    def is_in_comment(self) -> bool:
        marks = (self.row.comment, self.row.block_comment[0])
        return bool(self.before.literal) and self.before.literal in marks

    @cached_property
    def indent(self) -> str:
        """One level of the document's indentation, or else of its language's or the editor's.

        The table of languages names a unit only where the language demands it.
        """
        above, below = self.cursor.lines_above, self.cursor.lines_below
        if self.is_body:
            return self.cursor.line_prefix.removeprefix(indentation(self.above))
        near = _indents((*reversed(above[:NEAR_LINES]), *below[:NEAR_LINES]))
        usual = self.row.indent or self.cursor.document.indent
        return next(iter((*near, *self.usual_indents, usual)))

    @cached_property
    def usual_indents(self) -> tuple[str, ...]:
        """The units of indentation that the document has often."""
        cursor = self.cursor
        return _indents((*reversed(cursor.lines_above), *cursor.lines_below))

    @cached_property
    def is_body(self) -> bool:
        """True on a blank line that is indented deeper than the opener above it."""
        is_deeper = width(self.cursor.line_prefix + ".") > width(self.above)
        opens = self.row.opens.search(code_of(self.above, self.row))
        return self.is_blank_line and is_deeper and bool(opens)


@lru_cache(maxsize=16)
def _indents(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the units of indentation of some lines, the most frequent first."""
    said = [line for line in lines if line.strip()]
    tabs = sum(line.startswith("\t") for line in said)
    if tabs > sum(line.startswith("  ") for line in said):
        return ("\t",)
    steps = Counter(
        deep - flat
        for flat, deep in pairwise(map(width, said))
        if SMALLEST_UNIT <= deep - flat <= LARGEST_UNIT
    )
    most = max(steps.values(), default=0)
    return tuple(" " * n for n, count in steps.most_common() if count * OFTEN >= most)


def wants_all(style: Style) -> bool:
    """Return whether a suggestion may go on after its statement or block."""
    return style.wants_more or style.multiline == "always"


def wants_one_line(style: Style) -> bool:
    """Return whether one line is enough, because a suggestion was just accepted."""
    return style.is_after_accept and not wants_all(style)


@dataclass(frozen=True)
class Cut:
    """The part of a text to keep; `is_final` if no later text can be kept."""

    text: str
    is_final: bool


def ended(text: str, end: int) -> Cut:
    """Return the cut of a rule that ends the text at `end`."""
    return Cut(text[:end], is_final=end < len(text))


def growing(text: str) -> Cut:
    """Return the cut of a rule that keeps `text` and allows more."""
    return Cut(text, is_final=False)


def width(line: str) -> int:
    """Return the width of the indentation in columns, with tab stops every eight."""
    return len(indentation(line).expandtabs(TAB_WIDTH))


def nearly_equal(one: str, other: str, difference: float = 0.1) -> bool:
    """Return whether two texts differ in at most one part, of a tenth of their length.

    Tabby and Continue use an edit distance of 10 % for the same purpose.

    >>> nearly_equal("self.assertEqual(a, 1)", "self.assertEqual(a, 2)")
    True
    """
    longest, shortest = max(len(one), len(other)), min(len(one), len(other))
    if longest - shortest > longest * difference:
        return False
    head = n_common(one, other)
    tail = n_common(one[head:][::-1], other[head:][::-1])
    return longest - head - tail <= longest * difference
