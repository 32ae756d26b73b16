"""Answers from the cache: suggestions made before, and how each was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.flow import Completion, Usage
from starcoder_lsp.runtime.bounded_dict import BoundedDict
from starcoder_lsp.suggesting.ask import Ask, Suggestion
from starcoder_lsp.suggesting.cache import Cache, CacheHit, CacheKey
from starcoder_lsp.suggesting.cache_keys import CacheKeys, around_inserted

MAX_TRACES = 8
FREE = Usage(finish_reason="stop")


class KnownSuggestions:
    """The cache of suggestions, and the traces of the last ones."""

    def __init__(self) -> None:
        self.cache = Cache()
        self._traces: BoundedDict[CacheKey, Trace] = BoundedDict(MAX_TRACES)

    def find(self, ask: Ask, keys: CacheKeys, trace: Trace) -> Suggestion | None:
        """Return the cached answer to `ask`; None when the model has to be asked."""
        hit = self.cache.find(keys.exact) or self._find_before_inserted(keys)
        if hit is None or not _is_enough(hit, ask):
            return None
        trace.recall(self._traces.get(hit.begun_at))
        completions = tuple(replace(one, usage=FREE) for one in hit.completions)
        return Suggestion(completions, keys.exact, is_known=True)

    def trace_of(self, key: CacheKey) -> Trace | None:
        """Return how the suggestion for `key` was made, if that is still remembered."""
        return self._traces.get(key)

    def keep(
        self, ask: Ask, key: CacheKey, completions: Sequence[Completion], trace: Trace
    ) -> None:
        """Cache what the model suggested for `ask`, and how."""
        self._traces[key] = trace
        # An empty text for want of time is no answer: next time the model gets further.
        is_late = trace.usage.finish_reason == "time"
        if not is_late or any(one.text for one in completions):
            is_full = ask.n_wanted > 1
            self.cache.keep(key, completions, is_full=is_full, is_short=ask.is_short)

    def without_rejected(
        self, ask: Ask, suggestion: Suggestion, trace: Trace
    ) -> Suggestion:
        """Leave out what the user has rejected, unless the request is explicit."""
        wanted = tuple(
            one
            for one in suggestion.completions
            if ask.is_explicit or not self.cache.is_unwanted(suggestion.key, one.text)
        )
        if len(wanted) < len(suggestion.completions):
            trace.decision = "you have rejected the suggestion for this place"
        trace.shown = [one.text for one in wanted]
        return replace(suggestion, completions=wanted)

    def forget(self, uri: str) -> None:
        """Drop everything that holds text of a closed document."""
        self.cache.forget(uri)
        for key in [key for key in self._traces if key.scope.uri == uri]:
            del self._traces[key]

    def _find_before_inserted(self, keys: CacheKeys) -> CacheHit | None:
        """Find what was suggested before the editor inserted some of its closers."""
        for key, inserted in keys.before:
            if hit := self.cache.find(key):
                adapted = (
                    around_inserted(one, inserted)
                    for one in hit.completions
                    if not self.cache.is_unwanted(key, one.text)
                )
                if not (fitting := tuple(one for one in adapted if one.text)):
                    continue
                self.cache.keep(
                    keys.exact,
                    fitting,
                    is_full=hit.is_full,
                    is_short=hit.is_short,
                )
                return replace(hit, completions=fitting)
        return None


def _is_enough(hit: CacheHit, ask: Ask) -> bool:
    """Return whether a hit answers the request.

    An explicit request wants a whole suggestion, and all alternatives if it wants any.
    """
    if ask.n_wanted > 1 and not hit.is_full:
        return False
    return not ask.is_explicit or (bool(hit.completions) and not hit.is_short)
