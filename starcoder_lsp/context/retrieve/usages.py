"""How other code goes on after the name that is being written on.

Of `tokenizer.█` the lines elsewhere that go on after `tokenizer.` say more than the
signatures of whatever type it has: which member is used, and what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starcoder_lsp.context.index.chunks import MAX_LINE_CHARACTERS
from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.retrieve.names import OWN_OBJECT
from starcoder_lsp.context.retrieve.pieces import Line, Piece, numbered
from starcoder_lsp.context.retrieve.scene import Scene

# `generator.`, `decode(`, `key = `, and what is already written of the next word.
STEM = re.compile(r"([^\W\d]\w*)\s*([^\w\s]{1,3})\s*\w*$")
LAST_CHARACTERS = 200
MAX_HITS = 24
MAX_LINES = 10
# So many are shown with the line above and the line below, also where both say nothing new.
N_WITH_NEIGHBOURS = 3
# The name counts like so many of the words around it, and those are the nearest.
WEIGHT = 4.0
NEAR_TERMS = 8
# More than any definition: the best lines show the very call.
BEST = 3.5
HALVED_AT_RANK = 4
WORST = 1.6


@dataclass(frozen=True)
class _Usage:
    path: str
    line: Line
    neighbours: tuple[Line, ...]
    next_word: str
    likeness: float


def usages(scene: Scene, index: Index) -> list[Piece]:
    """One line for each word that follows elsewhere, then more of the likest ones."""
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


def _piece(one: _Usage, rank: int, why: str) -> Piece:
    is_whole = rank < N_WITH_NEIGHBOURS
    lines = (one.line, *one.neighbours) if is_whole else (one.line,)
    return Piece(one.path, lines, "usages", why, _score(rank), is_whole)


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


def _neighbours(lines: Sequence[Line], i: int) -> tuple[Line, ...]:
    beside = (*lines[max(i - 1, 0) : i], *lines[i + 1 : i + 2])
    return tuple(
        line
        for line in beside
        if abs(line.number - lines[i].number) == 1 and line.text.strip()
    )
