"""Keeps the shown snippets stable while the user types.

Snippets stand first in a prompt, and a model reads a prompt again from the first change
on: better snippets with every key would cost more than they give.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starcoder_lsp.context.retrieve.pack import cost
from starcoder_lsp.context.retrieve.scene import IDENTIFIER
from starcoder_lsp.flow import Snippet

# After a pause this long, the snippets may change.
PAUSE_S = 1.0
# A cursor this many lines away is at another place.
FAR_LINES = 20
# The snippets change when at least this share of the wanted score is new.
WORTH_A_CHANGE = 0.25


@dataclass
class Sticky:
    """The snippets shown last for one document, with the line, time and entry of the request."""

    kept: tuple[Snippet, ...] = ()
    _asked_at_s: float = -math.inf
    _line: int = 0
    _chosen: str = ""

    def settle(
        self,
        find: Callable[[], Sequence[Snippet]],
        is_there: Callable[[str], bool],
        *,
        budget_characters: int,
        line: int,
        now_s: float,
        chosen: str = "",
    ) -> tuple[Snippet, ...]:
        """Return the snippets to show now; call `find` only when they may change.

        Files for which `is_there` is false are dropped at once. Snippets that stay keep
        their order, new ones follow them. `chosen` is the name of the selected popup
        entry: it is searched for once, and shown however small its score is.
        """
        is_elsewhere = abs(line - self._line) > FAR_LINES
        may_change = is_elsewhere or now_s - self._asked_at_s >= PAUSE_S
        is_pointed_at = chosen not in ("", self._chosen)
        self._asked_at_s, self._line, self._chosen = now_s, line, chosen
        there = [one for one in self.kept if is_there(one.path)]
        self.kept = _within(there, budget_characters)
        is_missing = is_pointed_at and not _mention(self.kept, chosen)
        if may_change or is_missing or not self.kept:
            wanted = find()
            is_found = is_missing and _mention(wanted, chosen)
            if is_found or self._share_of_new(wanted) >= WORTH_A_CHANGE:
                known = _texts(wanted)
                stays = [one for one in self.kept if (one.path, one.text) in known]
                shown = _texts(stays)
                new = [one for one in wanted if (one.path, one.text) not in shown]
                self.kept = (*stays, *new)
        return self.kept

    def _share_of_new(self, wanted: Sequence[Snippet]) -> float:
        """Return the share of the wanted score that is not shown yet."""
        shown = {line for one in self.kept for line in _lines_of(one)}
        total = new = 0.0
        for one in wanted:
            lines = _lines_of(one)
            total += one.score
            new += one.score * len(lines - shown) / len(lines)
        return new / total if total else 0.0


def _within(snippets: Sequence[Snippet], budget_characters: int) -> tuple[Snippet, ...]:
    """Return the last snippets that fit: they are the newest and the best."""
    for n_kept, one in enumerate(reversed(snippets)):
        budget_characters -= cost(one)
        if budget_characters < 0:
            return tuple(snippets[len(snippets) - n_kept :])
    return tuple(snippets)


def _mention(snippets: Sequence[Snippet], name: str) -> bool:
    return any(name in IDENTIFIER.findall(one.text) for one in snippets)


def _texts(snippets: Sequence[Snippet]) -> set[tuple[str, str]]:
    return {(one.path, one.text) for one in snippets}


def _lines_of(snippet: Snippet) -> set[tuple[str, str]]:
    return {(snippet.path, line) for line in snippet.text.split("\n")}
