"""Ends a streamed text where the spelling of a control token stands in it."""

from __future__ import annotations

from collections.abc import Collection


class StopFilter:
    """Passes text on up to the first of `stops`, and holds back what may begin one.

    Servers that stop only by text, or not at all, write control tokens as text.
    """

    def __init__(self, stops: Collection[str]) -> None:
        self._stops = tuple(filter(None, stops))
        self._held = ""
        self.is_over = False

    def feed(self, text: str) -> str:
        """Return the part of the text so far that is new and certain."""
        text = self._held + text
        starts = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if starts:
            self.is_over, self._held = True, ""
            return text[: min(starts)]
        n_held = max((_n_begun(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - n_held :]
        return text[: len(text) - n_held]

    def end(self) -> str:
        """Return what was held back: the text has ended."""
        held, self._held = self._held, ""
        return held


def _n_begun(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` begin `stop`."""
    for n in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:n]):
            return n
    return 0
