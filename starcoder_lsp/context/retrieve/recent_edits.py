"""Proposes recent edits of other places, because the next edit is often similar.

The model reads lines as they are now, as in its training. The replaced text tells where
an edit is still due: where the removed names still stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.retrieve.excerpts import Excerpt, ExcerptLine, numbered
from starcoder_lsp.context.retrieve.hunks import Hunk, hunk_of, steps
from starcoder_lsp.context.retrieve.scene import Scene

MAX_HUNKS = 16
BEST = 2.0
HALVED_AT_RANK = 4
# The share of its worth that an edit keeps when it has nothing to do with the place.
UNRELATED = 0.2
# Added where the same change may be due: at the cursor, and elsewhere in the document.
REPEATED = 1.6
FAR = 0.25
# From this value of `due` on, the edit is shown whole, as an example of the change.
DUE = 0.5


class RecentEdits:
    """The last edited places, one hunk each; kept in memory only."""

    def __init__(self) -> None:
        self._hunks: list[Hunk] = []

    def changed(self, path: str, before: str, after: str) -> None:
        """Record an edit, given the whole text of a file before and after it."""
        for old, new, change in steps(before.split("\n"), after.split("\n")):
            here = [hunk for hunk in self._hunks if hunk.path == path]
            near = [hunk for hunk in here if change.is_near(hunk)]
            self._hunks = [
                change.moved(hunk) if hunk.path == path else hunk
                for hunk in self._hunks
                if hunk not in near
            ]
            if hunk := hunk_of(path, old, new, change, near):
                self._hunks = [*self._hunks, hunk][-MAX_HUNKS:]

    def forget(self, path: str) -> None:
        self._hunks = [hunk for hunk in self._hunks if hunk.path != path]

    def hunks(self) -> list[Hunk]:
        """Return the hunks, the latest first."""
        return self._hunks[::-1]


def recent(scene: Scene, index: Index, edits: RecentEdits) -> list[Excerpt]:
    """Return excerpts of hunks elsewhere; recent and similar ones score highest.

    Among hunks that change the same names only the best is proposed.
    """
    found: dict[object, _Edit] = {}
    for age, hunk in enumerate(_still_there(edits.hunks(), scene, index)):
        edit = _edit(scene, hunk, age)
        kind = (hunk.gone, hunk.come) if hunk.gone and hunk.come else hunk
        if edit.lines and (kind not in found or edit.worth > found[kind].worth):
            found[kind] = edit
    ranked = sorted(found.values(), key=lambda edit: -edit.worth)
    return [_piece(edit, rank) for rank, edit in enumerate(ranked)]


@dataclass(frozen=True, slots=True)
class _Edit:
    """The lines of a hunk that the prompt does not show; `due` is that of `_due`."""

    path: str
    lines: tuple[ExcerptLine, ...]
    due: float
    worth: float


def _still_there(hunks: Sequence[Hunk], scene: Scene, index: Index) -> list[Hunk]:
    """Drop hunks whose file is hidden by a rule now, or no longer holds their lines.

    A file lacks them if it was closed without saving, or changed by another program.
    """
    closed = {hunk.path for hunk in hunks} - {scene.path, *scene.open_paths}
    texts = {path: index.text(path) for path in closed}
    return [
        hunk
        for hunk in hunks
        if hunk.path not in closed or _holds(texts[hunk.path], hunk)
    ]


def _holds(text: str, hunk: Hunk) -> bool:
    return bool(text) and all(line in text for line in hunk.after)


def _edit(scene: Scene, hunk: Hunk, age: int) -> _Edit:
    visible = scene.shown_lines if hunk.path == scene.path else ()
    lines = numbered(hunk.shown_lines.start, "\n".join(hunk.shown))
    unseen = tuple(line for line in lines if line.number not in visible)
    due = _due(scene, hunk)
    recency = HALVED_AT_RANK / (HALVED_AT_RANK + age)
    worth = recency * (UNRELATED + _likeness(scene, hunk)) + due
    return _Edit(hunk.path, unseen, due, worth)


def _piece(edit: _Edit, rank: int) -> Excerpt:
    score = BEST * HALVED_AT_RANK / (HALVED_AT_RANK + rank) + REPEATED * edit.due
    why = "just edited, may be due here" if edit.due >= DUE else "just edited"
    return Excerpt(edit.path, edit.lines, "edits", why, score, is_whole=edit.due >= DUE)


def _due(scene: Scene, hunk: Hunk) -> float:
    """Return how many of the removed names still stand near the cursor, from 0 to 1."""
    names = hunk.gone
    if not names:
        return 0.0
    near = (
        scene.near.get(name, FAR if scene.mentions(name) else 0.0) for name in names
    )
    return fsum(near) / len(names)


def _likeness(scene: Scene, hunk: Hunk) -> float:
    """Return the share of terms around the cursor that also stand around the edit."""
    total = fsum(scene.terms.values())
    shared = scene.likeness("\n".join((*hunk.before, *hunk.shown)))
    return shared / total if total else 0.0
