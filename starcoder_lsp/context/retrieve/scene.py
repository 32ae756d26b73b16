"""The scene of a cursor: words to search by, and what the prompt shows anyway."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import fsum

from starcoder_lsp.context.index.chunks import terms
from starcoder_lsp.context.symbols import Definition, Symbols

NEAR_LINES = 12
NEAR_CHARACTERS = 4000
# A word this many lines away counts half.
HALF_LINES = 4
# The document is read this many code points up and down; a file may have megabytes.
FAR = 100_000

IDENTIFIER = re.compile(r"[^\W\d]\w*")
MEMBER_OF = re.compile(r"\.|->|::|\?\.")
RECEIVER = re.compile(
    r"([^\W\d]\w*(?:\(\))?(?:(?:\.|->|::|\?\.)[^\W\d]\w*){0,4})(?:\.|->|::|\?\.)\w*$"
)
# How languages bind or declare a name, by the text before and after it on its line. The
# group is the type or value; without a group it is all of the text before.
BINDINGS = tuple(
    (re.compile(before), re.compile(behind))
    for before, behind in (
        (r"(?<![\w.])(?:self\.|this\.|@)?\Z", r"[ \t]*(?::=|[:=])(?![:=])[ \t]*([^\n]{1,200})"),
        (r"(?<=.)[ \t]as[ \t]+\Z", ""),
        (r"([^\W\d][\w.:]*)(?:<[^<>\n]*>)?[&*?\[\] \t]+\Z", r"[ \t]*[=;,)({:\n]"),
        (r"(?<![\w.])\Z", r"(?:[ \t]*,[ \t]*\w+){1,3}[ \t]*:?=(?!=)[ \t]*([^\n]{1,200})"),
    )
)  # fmt: skip
FAR_ON_LINE = 120
MAX_BINDINGS = 4


@dataclass(frozen=True)
class Scene:
    """A cursor at `offset` in the file `path`; `symbols` are those of the document.

    The prompt shows the text between `shown_from` and `shown_to`, offsets in code points.
    `open_paths` are the editor's other documents, the last visited first. `cells` are
    the other cells of the same notebook, which the prompt shows as well. `chosen` is the
    selected entry of the completion popup, which would be inserted at `offset`.
    """

    path: str
    text: str
    offset: int
    symbols: Symbols
    shown_from: int = 0
    shown_to: int | None = None
    open_paths: Sequence[str] = ()
    cells: Sequence[str] = ()
    chosen: str = ""

    @property
    def language(self) -> str:
        return self.symbols.language

    @cached_property
    def line(self) -> int:
        return self.text.count("\n", 0, self.offset)

    @cached_property
    def line_prefix(self) -> str:
        return self.text[self.text.rfind("\n", 0, self.offset) + 1 : self.offset]

    @cached_property
    def shown(self) -> str:
        return self.text[self.shown_from : self.shown_to]

    @cached_property
    def shown_names(self) -> frozenset[str]:
        shown = "\n".join((self.shown, *self.cells))
        return frozenset(IDENTIFIER.findall(shown))

    @cached_property
    def shown_lines(self) -> range:
        """The lines of the document that the prompt shows, at least in part."""
        first = self.text.count("\n", 0, self.shown_from)
        return range(first, first + self.shown.count("\n") + 1)

    @cached_property
    def near(self) -> Mapping[str, float]:
        """Identifiers around the cursor, with their nearness: 1 on the cursor's line."""
        return self._nearness(IDENTIFIER.findall)

    @cached_property
    def terms(self) -> Mapping[str, float]:
        """Search terms around the cursor, with their nearness as in `near`."""
        return self._nearness(terms)

    def likeness(self, text: str) -> float:
        """Return the summed nearness of the terms that `text` shares with the scene.

        `fsum` makes the result the same in every process, whatever the order of the set.
        """
        return fsum(self.terms.get(term, 0.0) for term in terms(text))

    def _nearness(self, words_of: Callable[[str], Iterable[str]]) -> dict[str, float]:
        found: dict[str, float] = {}
        for distance, line in self._lines_near():
            weight = 1 / (1 + distance / HALF_LINES)
            for word in words_of(line):
                found[word] = max(found.get(word, 0.0), weight)
        for word in words_of(self.chosen):
            found[word] = 1.0
        return found

    def _lines_near(self) -> Iterator[tuple[int, str]]:
        above = self.text[max(self.offset - NEAR_CHARACTERS, 0) : self.offset]
        below = self.text[self.offset : self.offset + NEAR_CHARACTERS]
        yield from enumerate(above.split("\n")[: -NEAR_LINES - 1 : -1])
        yield from enumerate(below.split("\n")[:NEAR_LINES])

    def mentions(self, name: str, times: int = 1) -> bool:
        """Return whether the document mentions the identifier `name` at least `times`."""
        if not name.isidentifier():
            return False
        return next(islice(self._mentions(name), times - 1, None), None) is not None

    def used_of(self, name: str) -> frozenset[str]:
        """Return the members of `name` that the document mentions as `name.member`."""
        members = (
            IDENTIFIER.match(self._readable, end + 1)
            for start, end in self._mentions(name)
            if self._readable[end : end + 1] == "."
            and self._readable[max(start - 1, 0) : start] != "."
        )
        return frozenset(found[0] for found in members if found)

    def _mentions(self, name: str) -> Iterator[tuple[int, int]]:
        return mentions(self._readable, name)

    @cached_property
    def _readable(self) -> str:
        return self.text[max(self.offset - FAR, 0) : self.offset + FAR]

    @cached_property
    def receiver(self) -> tuple[str, ...]:
        """The names `a`, `b` of `a.b.█`; empty if the cursor is not behind a receiver."""
        found = RECEIVER.search(self.line_prefix[-200:])
        names = MEMBER_OF.split(found[1]) if found else ()
        return tuple(name.removesuffix("()") for name in names)

    @cached_property
    def chosen_name(self) -> str:
        """The first identifier of the selected popup entry; "" without one."""
        found = IDENTIFIER.search(self.chosen)
        return found[0] if found else ""

    @cached_property
    def enclosing(self) -> list[Definition]:
        """The definitions that enclose the cursor, the outermost first."""
        return [
            each
            for each in self.symbols.definitions
            if each.first_line <= self.line <= each.last_line
            and each.body_line <= each.last_line
        ]

    def expressions_of(self, name: str) -> Iterator[str]:
        """Yield what `name` is bound to or declared as, the nearest above the cursor first."""
        here = min(self.offset, FAR)

        def distance(mention: tuple[int, int]) -> tuple[bool, int]:
            start, _ = mention
            return start > here, abs(start - here)

        mentions = sorted(self._mentions(name), key=distance)
        for before, behind in BINDINGS:
            found = (self._said(*each, before, behind) for each in mentions)
            yield from islice(filter(None, found), MAX_BINDINGS)

    def _said(
        self, start: int, end: int, before: re.Pattern[str], behind: re.Pattern[str]
    ) -> str:
        """Return the bound text by one form at one mention; "" if the form does not match."""
        text = self._readable
        if not (right := behind.match(text, end)):
            return ""
        line_start = max(text.rfind("\n", 0, start) + 1, start - FAR_ON_LINE)
        if not (left := before.search(text, line_start, start)):
            return ""
        groups = (*left.groups(), *right.groups())
        return groups[0] if groups else text[line_start : left.start()]


def mentions(text: str, name: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each place where `name` stands as a word."""
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if _is_word(text, start, end):
            yield start, end
        start = text.find(name, start + 1)


def _is_word(text: str, start: int, end: int) -> bool:
    """Return whether no letter, digit or underscore adjoins a place."""
    before, behind = text[max(start - 1, 0) : start], text[end : end + 1]
    return not (before.isalnum() or behind.isalnum() or before == "_" or behind == "_")
