"""Tracks the outcomes of suggestions, from client events and document changes.

A suggestion counts as rejected when the client says so, or when the user deletes it
after accepting or typing it; undoing it in one step does not count.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starcoder_lsp.flow import Completion, Cursor, Document
from starcoder_lsp.suggesting.cache import CacheKey
from starcoder_lsp.suggesting.cache.follow import follow
from starcoder_lsp.suggesting.closing_brackets import CLOSERS

# A suggestion on the screen for a shorter time does not count as seen, as in Cody.
LOOKED_AT_S = 0.75
# The surviving text is measured after 30 s, one of the times in Refact and Copilot.
KEPT_AFTER_S = 30.0
# More characters in one change are an accepted suggestion, not typing.
TYPED_AT_ONCE = 2
# One answer may hold five suggestions, and the one before may still be accepted.
MAX_WATCHED = 6
CLOSING = frozenset(CLOSERS.values())


@dataclass(frozen=True)
class Offer:
    """A suggestion sent to the client; the user sees the one that `is_first`."""

    cursor: Cursor
    key: CacheKey
    completion: Completion
    model: str = ""
    latency_ms: float = 0.0
    is_known: bool = False
    is_first: bool = True


@dataclass(eq=False)
class _TrackedOffer:
    """An offer and what has happened to it.

    Lengths count code points of its text: `n_reached` of them stand in the document,
    `n_accepted` of them were accepted, not typed.
    """

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
        return self.offer.key.prefix + self.text

    @property
    def uri(self) -> str:
        return self.offer.key.scope.uri

    def makes_same_text_as(self, offer: Offer) -> bool:
        """Return whether `offer` is the rest of this one.

        The editor may have inserted closing brackets since.
        """
        theirs = offer.key.prefix + offer.completion.text
        if self.uri != offer.key.scope.uri or not self.result.startswith(theirs):
            return False
        rest = self.result[len(theirs) :]
        return set(rest) <= CLOSING and offer.cursor.suffix.startswith(rest)

    def text_in(self, text: str) -> str | None:
        """Return the text in the suggestion's place; None if the text around differs."""
        cursor = self.offer.cursor
        if not text.startswith(cursor.prefix):
            return None
        if text.endswith(cursor.suffix):
            return _between(text, cursor.prefix, cursor.suffix)
        after = cursor.suffix[self.offer.completion.n_replaced :]
        if text.endswith(after):
            return _between(text, cursor.prefix, after)
        return None


class OutcomeTracker:
    """Follows the last suggestions until their outcome is known.

    It calls `report` with a record of each one that was seen, and `reject` with place and
    text of each one that was rejected.
    """

    def __init__(
        self,
        report: Callable[[dict[str, Any]], None],
        reject: Callable[[CacheKey, str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._report = report
        self._reject = reject
        self._clock = clock
        self._ids = itertools.count(1)
        self._watched: deque[_TrackedOffer] = deque()
        self._accepted: list[_TrackedOffer] = []
        self._texts: dict[str, str] = {}
        self._client_tells = False

    def offer(self, offer: Offer) -> str:
        """Track a suggestion and return its id; the rest of an older one has its id."""
        for tracked in self._watched:
            if tracked.makes_same_text_as(offer):
                return tracked.id
        is_shown = offer.is_first and not self._client_tells
        tracked = _TrackedOffer(str(next(self._ids)), offer, self._clock(), is_shown)
        self._watched.append(tracked)
        while len(self._watched) > MAX_WATCHED:
            self._finish(self._watched.popleft())
        return tracked.id

    def shown(self, id: str) -> None:
        """The client shows the suggestion; only those it reports count as seen."""
        self._client_tells = True
        if tracked := self._find(id):
            tracked.is_shown, tracked.shown_s = True, self._clock()

    def accepted(self, id: str, n_characters: int | None = None) -> None:
        """The user accepted `n_characters` of the suggestion, by default all of it."""
        if tracked := self._find(id):
            tracked.is_shown = True
            self._note_accepted(
                tracked, len(tracked.text) if n_characters is None else n_characters
            )

    def rejected(self, id: str) -> None:
        """The user rejected the suggestion, says the client."""
        if tracked := self._find(id):
            self._note_rejected(tracked)

    def changed(self, document: Document) -> None:
        """Look in the new text of a document for its suggestions."""
        self._check_kept()
        self._texts[document.uri] = document.text
        for tracked in tuple(self._watched):
            if tracked.uri == document.uri:
                self._observe(tracked, document.text)

    def closed(self, uri: str) -> None:
        """Report the suggestions of a closed document, and drop its text."""
        for tracked in [tracked for tracked in self._watched if tracked.uri == uri]:
            self._watched.remove(tracked)
            self._finish(tracked)
        self._check_kept()
        for tracked in [tracked for tracked in self._accepted if tracked.uri == uri]:
            self._accepted.remove(tracked)
            self._write(tracked, None)
        self._texts.pop(uri, None)

    def close(self) -> None:
        """End the session: report all suggestions that are still tracked."""
        for uri in {tracked.uri for tracked in (*self._watched, *self._accepted)}:
            self.closed(uri)

    def _observe(self, tracked: _TrackedOffer, text: str) -> None:
        typed = tracked.text_in(text)
        n_now = None if typed is None else _n_typed(tracked.text, typed)
        if n_now is None:
            self._watched.remove(tracked)
            self._finish(tracked)
        elif 0 < n_now < tracked.n_reached:
            self._note_rejected(tracked)
        else:
            if n_now - tracked.n_reached > TYPED_AT_ONCE:
                self._note_accepted(tracked, n_now)
            elif n_now == 0:
                # Undone; the user may accept it again.
                tracked.n_accepted, tracked.accepted_s = 0, None
            tracked.n_reached = n_now

    def _note_accepted(self, tracked: _TrackedOffer, n_reached: int) -> None:
        n_new = max(n_reached - tracked.n_reached, 0)
        tracked.n_accepted = min(tracked.n_accepted + n_new, len(tracked.text))
        tracked.n_reached = max(tracked.n_reached, n_reached)
        tracked.accepted_s = self._clock()

    def _note_rejected(self, tracked: _TrackedOffer) -> None:
        tracked.is_rejected = True
        self._watched.remove(tracked)
        self._reject(tracked.offer.key, tracked.text)
        self._finish(tracked)

    def _finish(self, tracked: _TrackedOffer) -> None:
        """Report an outcome; wait with an accepted one until its survival is known."""
        if tracked.n_accepted and not tracked.is_rejected:
            self._accepted.append(tracked)
            self._check_kept()
        elif tracked.is_shown and (
            tracked.is_rejected
            or tracked.n_reached
            or self._clock() - tracked.shown_s >= LOOKED_AT_S
        ):
            self._write(tracked, None)

    def _check_kept(self) -> None:
        now = self._clock()
        for tracked in tuple(self._accepted):
            assert tracked.accepted_s is not None
            if now - tracked.accepted_s >= KEPT_AFTER_S:
                self._accepted.remove(tracked)
                taken = tracked.text[: tracked.n_reached]
                self._write(
                    tracked, share_kept(taken, self._texts.get(tracked.uri, ""))
                )

    def _write(self, tracked: _TrackedOffer, kept: float | None) -> None:
        offer = tracked.offer
        self._report(
            {
                "at": int(tracked.shown_s),
                "language": offer.cursor.document.language,
                "model": offer.model,
                "outcome": _outcome(tracked),
                "n_characters": len(tracked.text),
                "n_accepted": tracked.n_accepted,
                "n_typed": max(tracked.n_reached - tracked.n_accepted, 0),
                "latency_ms": round(offer.latency_ms, 1),
                "is_known": offer.is_known,
                "kept": kept,
            }
        )

    def _find(self, id: str) -> _TrackedOffer | None:
        return next((tracked for tracked in self._watched if tracked.id == id), None)


def share_kept(taken: str, text: str) -> float:
    r"""Return which share of the accepted text, by whole lines, is still in `text`.

    >>> share_kept("a = 1\nb = 2", "a = 1\nc = 3")
    0.5
    """
    lines = [line.strip() for line in taken.splitlines() if line.strip()]
    n_all = sum(map(len, lines))
    return sum(len(line) for line in lines if line in text) / n_all if n_all else 0.0


def _outcome(tracked: _TrackedOffer) -> str:
    if tracked.is_rejected:
        return "rejected"
    if not tracked.n_accepted:
        return "typed" if tracked.n_reached >= len(tracked.text.rstrip()) else "ignored"
    is_all = tracked.n_accepted + TYPED_AT_ONCE >= len(tracked.text)
    return "accepted" if is_all else "partial"


def _between(text: str, before: str, after: str) -> str | None:
    end = len(text) - len(after)
    return text[len(before) : end] if end >= len(before) else None


def _n_typed(text: str, typed: str) -> int | None:
    """The number of characters of `text` that were typed; None when `typed` differs.

    Closing brackets that the editor inserted after the cursor are ignored.
    """
    if typed.startswith(text):
        return len(text)
    while True:
        if (rest := follow(text, typed)) is not None:
            return len(text) - len(rest)
        if typed[-1:] not in CLOSING:
            return None
        typed = typed[:-1]
