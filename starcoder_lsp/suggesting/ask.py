"""A question for suggestions, and what is answered."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.flow import Completion, Cursor
from starcoder_lsp.settings.resolve import Settings
from starcoder_lsp.suggesting.cache import Spot


@dataclass(frozen=True)
class Ask:
    """A wish for suggestions; `is_more` for a longer one than would come by itself.

    `waits` is whether it may wait for typing to rest.
    """

    cursor: Cursor
    completer: Completer
    settings: Settings
    channel: str = "inline"
    is_explicit: bool = False
    is_more: bool = False
    waits: bool = True
    n_wanted: int = 1

    @property
    def key(self) -> Hashable:
        """What else an answer depends on."""
        given = self.settings
        return given.engine, given.limits, given.layout, given.style, given.context

    def after_accept(self) -> Ask:
        """The same for where an accepted suggestion ends; who asks gets all of it."""
        if self.is_explicit:
            return self
        style = replace(self.completer.style, is_after_accept=True)
        return replace(self, completer=replace(self.completer, style=style))

    def reading_on(self) -> Ask:
        """The same, and then the model may read what the prompt had no time for."""
        limits = replace(self.completer.limits, reads_on=True)
        return replace(self, completer=replace(self.completer, limits=limits))

    @property
    def variant(self) -> str:
        """What is wanted in place of the usual suggestion, if so."""
        if self.is_more:
            return "more"
        return "all" if self.n_wanted > 1 else ""


@dataclass(frozen=True)
class Suggestion:
    """The answer; `is_known` when the model had nothing to do for it."""

    completions: tuple[Completion, ...]
    spot: Spot
    is_known: bool = False
    seconds: float = 0.0
