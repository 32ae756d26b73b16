"""Hunks: what an edit replaced and what it became, kept current while the file changes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from starcoder_lsp.context.retrieve.scene import IDENTIFIER
from starcoder_lsp.languages.lines import n_common_ends

# Edits at most this many lines apart are one hunk.
MERGED_LINES = 4
AROUND_LINES = 1
# Lines of a hunk that are shown, and lines that are kept to compare it.
MAX_LINES = 12
MAX_KEPT_LINES = 200
# Larger changes come from another program, not from typing.
MAX_CHANGES = 64
MAX_COMPARED_LINES = 8000
# Characters that formatters add and remove.
FORMAT = re.compile(r"""[\s,;'"()]+""")

Lines = Sequence[str]


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changed lines of `path`: `after` stands where `before` stood.

    `shown` are the lines around the last edit. They begin `lead` lines above
    `first_line`, or below it if `lead` is negative.
    """

    path: str
    first_line: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    shown: tuple[str, ...] = ()
    lead: int = 0

    @property
    def end_line(self) -> int:
        return self.first_line + len(self.after)

    @property
    def shown_lines(self) -> range:
        start = self.first_line - self.lead
        return range(start, start + len(self.shown))

    @property
    def gone(self) -> frozenset[str]:
        """The names that the edit removed; it may be due wherever they still stand."""
        return _names(self.before) - _names(self.after)

    @property
    def come(self) -> frozenset[str]:
        return _names(self.after) - _names(self.before)

    @property
    def is_news(self) -> bool:
        """True if the edit changed more than formatting."""
        return FORMAT.sub("", "\n".join(self.before)) != FORMAT.sub(
            "", "\n".join(self.after)
        )


def _names(lines: Lines) -> frozenset[str]:
    return frozenset(IDENTIFIER.findall("\n".join(lines)))


@dataclass(frozen=True, slots=True)
class LineChange:
    """Lines `start` to `end` were replaced by lines `start` to `new_end`, ends excluded."""

    start: int
    end: int
    new_end: int

    def is_near(self, hunk: Hunk) -> bool:
        gap = max(hunk.first_line - self.end, self.start - hunk.end_line)
        return gap <= MERGED_LINES

    def moved(self, hunk: Hunk) -> Hunk:
        if hunk.first_line < self.end:
            return hunk
        return replace(hunk, first_line=hunk.first_line + self.new_end - self.end)


def steps(old: Lines, new: Lines) -> Iterator[tuple[Lines, Lines, LineChange]]:
    """Return the changes from `old` to `new`, each with the lines before and after it.

    The last change comes first, so that all lines above it are still unchanged.

    >>> [change for *_, change in steps("abcdefgh", "aXcdefg")]
    [LineChange(start=7, end=8, new_end=7), LineChange(start=1, end=2, new_end=2)]
    """
    text = old
    for start, end, new_start, new_end in reversed(_differences(old, new)):
        then = [*text[:start], *new[new_start:new_end], *text[end:]]
        yield text, then, LineChange(start, end, start + new_end - new_start)
        text = then


def _differences(old: Lines, new: Lines) -> list[tuple[int, int, int, int]]:
    """Return the line ranges of `old` that differ, with the ranges of `new` they became."""
    top, bottom = n_common_ends(old, new)
    ours, theirs = old[top : len(old) - bottom], new[top : len(new) - bottom]
    all_of_it = [(top, top + len(ours), top, top + len(theirs))]
    if len(ours) + len(theirs) > MAX_COMPARED_LINES:
        return all_of_it
    found = [
        (top + start, top + end, top + new_start, top + new_end)
        for what, start, end, new_start, new_end in SequenceMatcher(
            None, ours, theirs
        ).get_opcodes()
        if what != "equal"
    ]
    return found if len(found) <= MAX_CHANGES else all_of_it


def hunk_of(
    path: str, old: Lines, new: Lines, change: LineChange, near: Sequence[Hunk]
) -> Hunk | None:
    """Merge a change with the hunks `near` it; None if the lines are as they were at first."""
    first = min([change.start, *(hunk.first_line for hunk in near)])
    end = max([change.end, *(hunk.end_line for hunk in near)])
    before = list(_originally(old, first, end, near))
    after = list(new[first : end + change.new_end - change.end])
    if max(len(before), len(after)) > MAX_KEPT_LINES:
        return hunk_of(path, old, new, change, ()) if near else None
    top, bottom = n_common_ends(before, after)
    hunk = Hunk(
        path,
        first + top,
        tuple(before[top : len(before) - bottom]),
        tuple(after[top : len(after) - bottom]),
    )
    return _with_surroundings(hunk, new, change) if hunk.is_news else None


def _originally(
    old: Lines, first: int, end: int, hunks: Sequence[Hunk]
) -> Iterator[str]:
    """Return what stood in these lines before the hunks inside them."""
    for hunk in sorted(hunks, key=lambda hunk: hunk.first_line):
        yield from old[first : hunk.first_line]
        yield from hunk.before
        first = hunk.end_line
    yield from old[first:end]


def _with_surroundings(hunk: Hunk, text: Lines, change: LineChange) -> Hunk:
    edited_end = min(change.new_end, hunk.end_line) + AROUND_LINES
    start = max(hunk.first_line - AROUND_LINES, edited_end - MAX_LINES, 0)
    end = min(hunk.end_line + AROUND_LINES, start + MAX_LINES)
    return replace(hunk, shown=tuple(text[start:end]), lead=hunk.first_line - start)
