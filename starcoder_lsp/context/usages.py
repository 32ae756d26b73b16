"""How other code goes on after the name that is being written on.

Of `tokenizer.█` the lines elsewhere that go on after `tokenizer.` say more than the
signatures of whatever type it has: which member is used, and what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from starcoder_lsp.context.chunks import MAX_LINE_CHARACTERS, terms
from starcoder_lsp.context.index import Index
from starcoder_lsp.context.lookup import OWN_OBJECT
from starcoder_lsp.context.pieces import Line, Piece
from starcoder_lsp.context.scene import Scene

# `generator.`, `decode(`, `key = `, and what is already written of the next word.
STEM = re.compile(r"([^\W\d]\w*)\s*([^\w\s]{1,3})\s*\w*$")
LAST_CHARACTERS = 200
MAX_HITS = 24
MAX_LINES = 10
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
        Piece(one.path, (one.line,), "usages", why, _score(rank))
        for rank, one in enumerate((firsts + others)[:MAX_LINES])
    ]


def _score(rank: int) -> float:
    return max(BEST * HALVED_AT_RANK / (HALVED_AT_RANK + rank), WORST)


def _found(scene: Scene, index: Index, name: str, mark: str) -> Iterator[_Usage]:
    nearest = sorted(scene.terms.items(), key=lambda each: (-each[1], each[0]))
    wanted = {**dict(nearest[:NEAR_TERMS]), name.lower(): WEIGHT}
    goes_on = re.compile(rf"(?<!\w){re.escape(name)}\s*{re.escape(mark)}\s*(\w*)")
    for hit in index.search(wanted, MAX_HITS):
        shown = scene.shown_lines if hit.path == scene.path else ()
        for number, text in enumerate(hit.text.split("\n"), hit.first_line):
            follows = goes_on.search(text)
            if follows and number not in shown and len(text) <= MAX_LINE_CHARACTERS:
                likeness = sum(scene.terms.get(term, 0.0) for term in terms(text))
                yield _Usage(hit.path, Line(number, text), follows[1], likeness)
