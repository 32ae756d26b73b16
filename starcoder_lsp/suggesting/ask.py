"""A request for suggestions and its answer."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.postprocess.place import wants_one_line
from starcoder_lsp.flow import Completion, Cursor
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.suggesting.cache import CacheKey
from starcoder_lsp.suggesting.cache.follow import follow


@dataclass(frozen=True)
class Ask:
    """A request for up to `n_wanted` suggestions at a cursor.

    A newer request supersedes older ones of its `channel`. `is_explicit`: the user
    invoked it; otherwise it comes from typing. `is_more`: the user wants a longer
    suggestion than the usual one. `waits`: the request may be debounced.
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
        """Everything in the user's and the editor's settings that an answer depends on."""
        return self.settings.suggestion_key, self.cursor.document.indent

    def after_accept(self) -> Ask:
        """Return the same request for the place where an accepted suggestion ends.

        There one line is enough, unless the request is explicit.
        """
        if self.is_explicit:
            return self
        style = replace(self.completer.style, is_after_accept=True)
        return replace(self, completer=replace(self.completer, style=style))

    def reading_on(self) -> Ask:
        """Return the same request, after which the engine reads the rest of the prompt.

        The rest is the part that did not fit into the latency target.
        """
        limits = replace(self.completer.limits, reads_on=True)
        return replace(self, completer=replace(self.completer, limits=limits))

    @property
    def is_short(self) -> bool:
        """True if the suggestion stops after one line because one was just accepted."""
        return wants_one_line(self.completer.style)

    @property
    def variant(self) -> str:
        """The kind of generation, where it is not the usual one: `more` or `all`."""
        if self.is_more:
            return "more"
        return "all" if self.n_wanted > 1 else ""


@dataclass(frozen=True)
class Suggestion:
    """The answer to an `Ask`: completions for the place `key`, the best first.

    `is_known`: the answer came from the cache. `seconds` is the time it took.
    """

    completions: tuple[Completion, ...]
    key: CacheKey
    is_known: bool = False
    seconds: float = 0.0

    @property
    def is_late(self) -> bool:
        """True if the time was over before the model had written any text."""
        usages = [one.usage for one in self.completions]
        is_late = any(usage.finish_reason == "time" for usage in usages)
        return is_late and not any(one.text for one in self.completions)

    def is_accepted_at(self, cursor: Cursor) -> bool:
        """Return whether one of the completions ends exactly at `cursor`."""
        if self.key.scope.uri != cursor.document.uri:
            return False
        ends = [self.key.prefix + one.text for one in self.completions if one.text]
        return cursor.prefix in ends

    def is_followed_at(self, cursor: Cursor) -> bool | None:
        """Return whether the text typed since agrees with the first completion.

        None when there is no completion, nothing was typed, or the cursor is elsewhere.
        """
        text = self.completions[0].text if self.completions else ""
        begun = self.key.prefix
        typed = cursor.prefix[len(begun) :]
        is_same_document = self.key.scope.uri == cursor.document.uri
        if not (
            text and typed and is_same_document and cursor.prefix.startswith(begun)
        ):
            return None
        return typed.startswith(text) or follow(text, typed) is not None
