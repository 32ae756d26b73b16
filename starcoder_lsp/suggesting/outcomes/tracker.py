"""What becomes of suggestions: told by the client, or seen in the document's changes."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starcoder_lsp.flow import Completion, Cursor, Document
from starcoder_lsp.suggesting.cache import Spot
from starcoder_lsp.suggesting.cache.follow import follow
from starcoder_lsp.suggesting.closing_brackets import CLOSERS

# Who has not seen a suggestion for this long has not turned it down.
LOOKED_AT_S = 0.75
KEPT_AFTER_S = 30.0
# More than this at once is not typed.
TYPED_AT_ONCE = 2
# An answer may offer five, and the one before may still be accepted.
N_WATCHED = 6
CLOSING = frozenset(CLOSERS.values())


@dataclass(frozen=True)
class Offer:
    """A suggestion as it went out; `is_first` of an answer is the one people see."""

    cursor: Cursor
    spot: Spot
    completion: Completion
    model: str = ""
    latency_ms: float = 0.0
    is_known: bool = False
    is_first: bool = True


@dataclass(eq=False)
class _Fate:
    """An offer's life; lengths are code points of its text, `n_reached` is what stands."""

    id: str
    offer: Offer
    shown_s: float
    is_shown: bool
    n_reached: int = 0
    n_accepted: int = 0
    accepted_s: float | None = None
    is_rejected: bool = False

    @property
    def text(self) -> str:
        return self.offer.completion.text

    @property
    def result(self) -> str:
        return self.offer.spot.prefix + self.text

    @property
    def uri(self) -> str:
        return self.offer.spot.space.uri

    def leads_where(self, offer: Offer) -> bool:
        """Whether `offer` makes the same text, perhaps of one the editor closed since."""
        theirs = offer.spot.prefix + offer.completion.text
        if self.uri != offer.spot.space.uri or not self.result.startswith(theirs):
            return False
        rest = self.result[len(theirs) :]
        return set(rest) <= CLOSING and offer.cursor.suffix.startswith(rest)

    def typed_in(self, text: str) -> str | None:
        """What stands where the suggestion would, once a part of it is there."""
        cursor = self.offer.cursor
        if not text.startswith(cursor.prefix):
            return None
        if text.endswith(cursor.suffix):
            return _between(text, cursor.prefix, cursor.suffix)
        after = cursor.suffix[self.offer.completion.n_replaced :]
        if text.endswith(after):
            return _between(text, cursor.prefix, after)
        return None


class Fates:
    """Follows the last suggestions until they are accepted, turned down, or passed by.

    `report` gets a record of each; `reject` hears of those that must not come back.
    """

    def __init__(
        self,
        report: Callable[[dict[str, Any]], None],
        reject: Callable[[Spot, str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._report = report
        self._reject = reject
        self._clock = clock
        self._ids = itertools.count(1)
        self._watched: deque[_Fate] = deque()
        self._accepted: list[_Fate] = []
        self._texts: dict[str, str] = {}
        self._client_tells = False

    def offer(self, offer: Offer) -> str:
        """The id of a suggestion that goes out; what is left of an older one keeps it."""
        for fate in self._watched:
            if fate.leads_where(offer):
                return fate.id
        is_shown = offer.is_first and not self._client_tells
        fate = _Fate(str(next(self._ids)), offer, self._clock(), is_shown)
        self._watched.append(fate)
        while len(self._watched) > N_WATCHED:
            self._settle(self._watched.popleft())
        return fate.id

    def shown(self, id: str) -> None:
        self._client_tells = True
        if fate := self._find(id):
            fate.is_shown, fate.shown_s = True, self._clock()

    def accepted(self, id: str, n_characters: int | None = None) -> None:
        """So much of the suggestion was accepted, all of it where nothing is said."""
        if fate := self._find(id):
            fate.is_shown = True
            self._take(fate, len(fate.text) if n_characters is None else n_characters)

    def rejected(self, id: str) -> None:
        if fate := self._find(id):
            self._turn_down(fate)

    def changed(self, document: Document) -> None:
        """See in a document's new text what became of its suggestions."""
        self._check_kept()
        self._texts[document.uri] = document.text
        for fate in tuple(self._watched):
            if fate.uri == document.uri:
                self._see(fate, document.text)

    def closed(self, uri: str) -> None:
        for fate in [fate for fate in self._watched if fate.uri == uri]:
            self._watched.remove(fate)
            self._settle(fate)
        self._check_kept()
        for fate in [fate for fate in self._accepted if fate.uri == uri]:
            self._accepted.remove(fate)
            self._write(fate, None)
        self._texts.pop(uri, None)

    def close(self) -> None:
        """The session ends."""
        for uri in {fate.uri for fate in (*self._watched, *self._accepted)}:
            self.closed(uri)

    def _see(self, fate: _Fate, text: str) -> None:
        typed = fate.typed_in(text)
        n_now = None if typed is None else _n_agreeing(fate.text, typed)
        if n_now is None:
            self._watched.remove(fate)
            self._settle(fate)
        elif 0 < n_now < fate.n_reached:
            self._turn_down(fate)
        else:
            if n_now - fate.n_reached > TYPED_AT_ONCE:
                self._take(fate, n_now)
            elif n_now == 0:
                # Undone, and perhaps wanted again.
                fate.n_accepted, fate.accepted_s = 0, None
            fate.n_reached = n_now

    def _take(self, fate: _Fate, n_reached: int) -> None:
        n_new = max(n_reached - fate.n_reached, 0)
        fate.n_accepted = min(fate.n_accepted + n_new, len(fate.text))
        fate.n_reached = max(fate.n_reached, n_reached)
        fate.accepted_s = self._clock()

    def _turn_down(self, fate: _Fate) -> None:
        fate.is_rejected = True
        self._watched.remove(fate)
        self._reject(fate.offer.spot, fate.text)
        self._settle(fate)

    def _settle(self, fate: _Fate) -> None:
        """Nothing more will happen to it, but that its text may be kept or not."""
        if fate.n_accepted and not fate.is_rejected:
            self._accepted.append(fate)
            self._check_kept()
        elif fate.is_shown and (
            fate.is_rejected
            or fate.n_reached
            or self._clock() - fate.shown_s >= LOOKED_AT_S
        ):
            self._write(fate, None)

    def _check_kept(self) -> None:
        now = self._clock()
        for fate in tuple(self._accepted):
            assert fate.accepted_s is not None
            if now - fate.accepted_s >= KEPT_AFTER_S:
                self._accepted.remove(fate)
                taken = fate.text[: fate.n_reached]
                self._write(fate, share_kept(taken, self._texts.get(fate.uri, "")))

    def _write(self, fate: _Fate, kept: float | None) -> None:
        offer = fate.offer
        self._report(
            {
                "at": int(fate.shown_s),
                "language": offer.cursor.document.language,
                "model": offer.model,
                "outcome": _outcome(fate),
                "n_characters": len(fate.text),
                "n_accepted": fate.n_accepted,
                "n_typed": max(fate.n_reached - fate.n_accepted, 0),
                "latency_ms": round(offer.latency_ms, 1),
                "is_known": offer.is_known,
                "kept": kept,
            }
        )

    def _find(self, id: str) -> _Fate | None:
        return next((fate for fate in self._watched if fate.id == id), None)


def share_kept(taken: str, text: str) -> float:
    r"""How much of what was accepted still stands in the text, by lines.

    >>> share_kept("a = 1\nb = 2", "a = 1\nc = 3")
    0.5
    """
    lines = [line.strip() for line in taken.splitlines() if line.strip()]
    n_all = sum(map(len, lines))
    return sum(len(line) for line in lines if line in text) / n_all if n_all else 0.0


def _outcome(fate: _Fate) -> str:
    if fate.is_rejected:
        return "rejected"
    if not fate.n_accepted:
        return "typed" if fate.n_reached >= len(fate.text.rstrip()) else "ignored"
    is_all = fate.n_accepted + TYPED_AT_ONCE >= len(fate.text)
    return "accepted" if is_all else "partial"


def _between(text: str, before: str, after: str) -> str | None:
    end = len(text) - len(after)
    return text[len(before) : end] if end >= len(before) else None


def _n_agreeing(text: str, typed: str) -> int | None:
    """How much of the suggestion stands there; None when something else does.

    Brackets that the editor closed after the cursor do not count.
    """
    if typed.startswith(text):
        return len(text)
    while True:
        if (rest := follow(text, typed)) is not None:
            return len(text) - len(rest)
        if typed[-1:] not in CLOSING:
            return None
        typed = typed[:-1]
