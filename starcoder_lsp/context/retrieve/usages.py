"""Proposes lines that use the name before the cursor.

For `tokenizer.█`, lines elsewhere that continue `tokenizer.` say more than the signatures
of its type: which member is used, and with which arguments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starcoder_lsp.context.index.chunks import MAX_LINE_CHARACTERS
from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.retrieve.excerpts import Excerpt, ExcerptLine, numbered
from starcoder_lsp.context.retrieve.name_resolution import OWN_OBJECT
from starcoder_lsp.context.retrieve.scene import Scene

# `generator.`, `decode(`, `key = `, and the part of the next word that is written already.
STEM = re.compile(r"([^\W\d]\w*)\s*([^\w\s]{1,3})\s*\w*$")
LAST_CHARACTERS = 200
MAX_HITS = 24
MAX_LINES = 10
# This many uses are shown with the line above and below, even if these name nothing new.
N_WITH_NEIGHBOURS = 3
# In the search, the name weighs as much as this many of its nearest words.
WEIGHT = 4.0
NEAR_TERMS = 8
# Above any definition: the best lines show the very call.
BEST = 3.5
HALVED_AT_RANK = 4
WORST = 1.6


@dataclass(frozen=True)
class _Usage:
    path: str
    line: ExcerptLine
    neighbours: tuple[ExcerptLine, ...]
    next_word: str
    likeness: float


def usages(scene: Scene, index: Index) -> list[Excerpt]:
    """Return one line for each word that follows the name, then more of the most similar."""
    stem = STEM.search(scene.line_prefix[-LAST_CHARACTERS:])
    if stem is None or stem[1] in OWN_OBJECT:
        return []
    found = sorted(_found(scene, index, *stem.groups()), key=lambda one: -one.likeness)
    lines = {one.line.text.strip(): one for one in reversed(found)}
    different = [one for one in found if lines[one.line.text.strip()] is one]
    words = {one.next_word: one for one in reversed(different)}
    firsts = [one for one in different if words[one.next_word] is one]
    others = [one for one in different if words[one.next_word] is not one]
    why = f"goes on after {stem[1]}{stem[2]}"
    return [
        _piece(one, rank, why) for rank, one in enumerate((firsts + others)[:MAX_LINES])
    ]


def _piece(one: _Usage, rank: int, why: str) -> Excerpt:
    is_whole = rank < N_WITH_NEIGHBOURS
    lines = (one.line, *one.neighbours) if is_whole else (one.line,)
    return Excerpt(one.path, lines, "usages", why, _score(rank), is_whole)


def _score(rank: int) -> float:
    return max(BEST * HALVED_AT_RANK / (HALVED_AT_RANK + rank), WORST)


def _found(scene: Scene, index: Index, name: str, mark: str) -> Iterator[_Usage]:
    nearest = sorted(scene.terms.items(), key=lambda each: (-each[1], each[0]))
    wanted = {**dict(nearest[:NEAR_TERMS]), name.lower(): WEIGHT}
    goes_on = re.compile(rf"(?<!\w){re.escape(name)}\s*{re.escape(mark)}\s*(\w*)")
    for hit in index.search(wanted, MAX_HITS):
        shown = scene.shown_lines if hit.path == scene.path else ()
        lines = [
            line
            for line in numbered(hit.first_line, hit.text)
            if line.number not in shown and len(line.text) <= MAX_LINE_CHARACTERS
        ]
        for i, line in enumerate(lines):
            if follows := goes_on.search(line.text):
                likeness = scene.likeness(line.text)
                beside = _neighbours(lines, i)
                yield _Usage(hit.path, line, beside, follows[1], likeness)


def _neighbours(lines: Sequence[ExcerptLine], i: int) -> tuple[ExcerptLine, ...]:
    beside = (*lines[max(i - 1, 0) : i], *lines[i + 1 : i + 2])
    return tuple(
        line
        for line in beside
        if abs(line.number - lines[i].number) == 1 and line.text.strip()
    )
