"""What the user has just changed elsewhere: the next change is often its like."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from starcoder_lsp.context.pieces import Piece, numbered
from starcoder_lsp.context.scene import Scene

MAX_HUNKS = 16
# Edits so near to each other are one hunk.
MERGED_LINES = 4
AROUND_LINES = 2
MAX_LINES = 12
BEST = 1.6
HALVED_AT_RANK = 3


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines of `path` as they are after an edit."""

    path: str
    first_line: int
    text: str

    @property
    def last_line(self) -> int:
        return self.first_line + self.text.count("\n")


class RecentEdits:
    """The last places that were edited, one hunk each; in memory only."""

    def __init__(self) -> None:
        self._hunks: OrderedDict[tuple[str, int], Hunk] = OrderedDict()

    def edited(self, path: str, text: str, first_line: int, last_line: int) -> None:
        """`text` is the whole document after the edit of these lines."""
        lines = text.split("\n")
        first = max(first_line - AROUND_LINES, 0)
        end = min(last_line + AROUND_LINES + 1, first + MAX_LINES)
        for key, hunk in list(self._hunks.items()):
            gap = max(hunk.first_line - last_line, first_line - hunk.last_line)
            if hunk.path == path and gap <= MERGED_LINES:
                del self._hunks[key]
        hunk = Hunk(path, first, "\n".join(lines[first:end]))
        self._hunks[path, first] = hunk
        while len(self._hunks) > MAX_HUNKS:
            self._hunks.popitem(last=False)

    def forget(self, path: str) -> None:
        for key in [key for key in self._hunks if key[0] == path]:
            del self._hunks[key]

    def hunks(self) -> list[Hunk]:
        """The latest first."""
        return list(reversed(self._hunks.values()))


def recent(scene: Scene, edits: RecentEdits) -> list[Piece]:
    elsewhere = [
        hunk
        for hunk in edits.hunks()
        if hunk.path != scene.path or hunk.first_line not in scene.shown_lines
    ]
    return [
        Piece(
            hunk.path,
            numbered(hunk.first_line, hunk.text),
            "edits",
            "just edited",
            BEST * HALVED_AT_RANK / (HALVED_AT_RANK + rank),
        )
        for rank, hunk in enumerate(elsewhere)
    ]
