"""What the rules ask about the place of a suggestion, computed once per request."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from starcoder_lsp.completion.postprocess.nesting import Match, Nesting, match, read
from starcoder_lsp.flow import NEAR, USUAL_STYLE, Cursor, Judgement, Style
from starcoder_lsp.languages import Language, language
from starcoder_lsp.languages.lines import indentation, n_common

TAB_WIDTH = 8
SMALLEST_UNIT, LARGEST_UNIT = 2, 8
# Brackets are read from this far above; further up nothing is open at the cursor.
FAR = 4 * NEAR
# A line that begins at the left edge stands outside of everything, mostly.
LEFT_EDGE = re.compile(r"\n(?=\w)")


@dataclass(frozen=True)
class Place:
    """A cursor, how the user wants suggestions there, and what is known of the text.

    `is_cut_off`: the model had more to say, but no tokens or no time.
    """

    cursor: Cursor
    style: Style = USUAL_STYLE
    judgement: Judgement | None = None
    is_cut_off: bool = False

    @classmethod
    def marked(cls, text: str, language: str = "python") -> Place:
        """The place where the mark stands in `text`, for examples."""
        return cls(Cursor.marked(text, language))

    @cached_property
    def row(self) -> Language:
        """What is known of the document's language."""
        return language(self.cursor.document.language)

    @cached_property
    def above(self) -> str:
        """The nearest line above that says something."""
        return next((line for line in self.cursor.lines_above if line.strip()), "")

    @cached_property
    def below(self) -> list[str]:
        """The lines below that say something, without space at their ends."""
        return [line.rstrip() for line in self.cursor.lines_below if line.strip()]

    @cached_property
    def is_blank_line(self) -> bool:
        cursor = self.cursor
        return not cursor.line_prefix.strip() and not cursor.line_suffix.strip()

    @cached_property
    def before(self) -> Nesting:
        """What is open at the cursor."""
        return read(self.window, self.row)

    @cached_property
    def window(self) -> str:
        """As much of the prefix as `before` is read from."""
        prefix = self.cursor.prefix
        if len(prefix) <= FAR:
            return prefix
        edge = LEFT_EDGE.search(prefix, len(prefix) - FAR)
        return prefix[edge.end() if edge else len(prefix) - FAR :]

    @property
    def is_far(self) -> bool:
        """Whether more may be open than `before` knows."""
        return len(self.window) < len(self.cursor.prefix)

    @cached_property
    def after(self) -> Nesting:
        """What the text right of the cursor closes."""
        return read(self.cursor.suffix[:NEAR], self.row, self.before.literal)

    @cached_property
    def closed(self) -> Match:
        """How what is open at the cursor is closed by what follows."""
        return match(self.before.opens, self.after.closes)

    @cached_property
    def is_in_comment(self) -> bool:
        marks = (self.row.comment, self.row.block_comment[0])
        return bool(self.before.literal) and self.before.literal in marks

    @cached_property
    def indent(self) -> str:
        """One level of the document's indentation, `""` when it has none."""
        above, below = self.cursor.lines_above, self.cursor.lines_below
        return _indent((*reversed(above), *below)) or self.row.indent


@lru_cache(maxsize=8)
def _indent(lines: tuple[str, ...]) -> str:
    said = [line for line in lines if line.strip()]
    tabs = sum(line.startswith("\t") for line in said)
    if tabs > sum(line.startswith("  ") for line in said):
        return "\t"
    steps = Counter(
        deep - flat
        for flat, deep in pairwise(map(width, said))
        if SMALLEST_UNIT <= deep - flat <= LARGEST_UNIT
    )
    return " " * steps.most_common(1)[0][0] if steps else ""


@dataclass(frozen=True)
class Cut:
    """The part that belongs here; `is_final` when no further text can belong."""

    text: str
    is_final: bool


def ended(text: str, end: int) -> Cut:
    """What a rule leaves that cuts at `end`, where its mind is made up."""
    return Cut(text[:end], is_final=end < len(text))


def growing(text: str) -> Cut:
    """What a rule leaves that has nothing against `text` so far."""
    return Cut(text, is_final=False)


def width(line: str) -> int:
    """The columns before the first text, with tabs to every eighth column."""
    return len(indentation(line).expandtabs(TAB_WIDTH))


def nearly_equal(one: str, other: str, difference: float = 0.1) -> bool:
    """Whether two lines differ in one short stretch at most.

    >>> nearly_equal("self.assertEqual(a, 1)", "self.assertEqual(a, 2)")
    True
    """
    longest, shortest = max(len(one), len(other)), min(len(one), len(other))
    if longest - shortest > longest * difference:
        return False
    head = n_common(one, other)
    tail = n_common(one[head:][::-1], other[head:][::-1])
    return longest - head - tail <= longest * difference
