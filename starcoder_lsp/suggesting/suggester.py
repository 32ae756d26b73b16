"""Answers requests for suggestions: from the cache, or from the model after a pause.

The path of one request, in `Suggester.suggest` and `Suggester._request`:

1. `KnownSuggestions` looks in the cache.
2. `Scheduler` supersedes older requests, and joins a generation that agrees with the
   text typed since.
3. `Debouncer` makes it wait for typing to pause.
4. `Completer` asks the model; the answer is cached.
5. `Speculator` plans what the model does next while it is idle.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.context import Edit
from starcoder_lsp.flow import Completion, Cursor
from starcoder_lsp.suggesting.ask import Ask, Suggestion
from starcoder_lsp.suggesting.battery import Power
from starcoder_lsp.suggesting.cache import Cache, CacheKey
from starcoder_lsp.suggesting.cache_keys import CacheKeys
from starcoder_lsp.suggesting.closing_brackets import AutoCloseFilter
from starcoder_lsp.suggesting.cost import CostEstimator, n_prompt_characters
from starcoder_lsp.suggesting.debounce import Debouncer
from starcoder_lsp.suggesting.known import KnownSuggestions
from starcoder_lsp.suggesting.scheduler import (
    BackgroundJob,
    ForegroundRequest,
    OnText,
    Scheduler,
)
from starcoder_lsp.suggesting.speculation import Speculator

# The time budget, while the model is idle, of a request that had no time before.
PATIENT_BUDGET_MS = 30_000


class Suggester:
    """Holds all state that outlives a request for suggestions.

    `trace` explains the last request.
    """

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        power: Power | None = None,
    ) -> None:
        self.scheduler = Scheduler(sleep)
        self.trace = Trace(decision="nothing was asked yet")
        self._known = KnownSuggestions()
        self._auto_close = AutoCloseFilter()
        self._debouncer = Debouncer()
        self._costs = CostEstimator()
        self._power = power or Power()
        self._clock = clock
        self._speculator = Speculator(
            self.scheduler, self._known, self._auto_close, self._costs, self._power
        )
        self._last: Suggestion | None = None

    async def suggest(self, ask: Ask) -> Suggestion | None:
        """Return the answer to `ask`, perhaps without completions.

        None: a newer request took its place. Raises EngineError.
        """
        keys = self._keys(ask)
        ask = self._in_session(ask)
        trace = self._begin_trace(ask)
        trace.inserted_by_editor = keys.inserted
        trace.delay_s = self._delay_s(ask, keys) if ask.waits else 0.0
        suggestion = await self.scheduler.run(self._request(ask, keys, trace))
        if suggestion is None:
            trace.decision = "a newer request took its place"
            return None
        if not trace.is_made:
            trace.recall(self._known.trace_of(suggestion.key))
        suggestion = self._known.without_rejected(ask, suggestion, trace)
        self._last = suggestion
        self._speculator.follow(ask, suggestion, self._debouncer.miss_factor)
        return suggestion

    def finish(self, ask: Ask, on_text_found: Callable[[], None]) -> None:
        """Let the idle model answer a request that was answered late, and cache that.

        `on_text_found` is called if there is a suggestion then. A request ends the work.
        """
        keys, usual = self._keys(ask), ask.completer.limits
        budget_ms = max(usual.time_budget_ms, PATIENT_BUDGET_MS)
        limits = replace(usual, time_budget_ms=budget_ms, yields=True)
        completer = replace(ask.completer, limits=limits)
        patient = replace(ask, completer=completer, n_wanted=1)

        async def work(on_text: OnText) -> Suggestion:
            trace = Trace(ask.cursor.document.language)
            found = await self._generate(patient, keys, trace, on_text)
            if any(one.text for one in found.completions):
                on_text_found()
            return found

        job = BackgroundJob(keys.exact, keys.read, work, is_short=ask.is_short)
        self.scheduler.when_idle(lambda: job, 0.0)

    def peek(self, ask: Ask) -> Suggestion | None:
        """Return the answer to `ask` if the cache has it; never ask the model."""
        trace = self._begin_trace(ask)
        known = self._known.find(ask, self._keys(ask), trace)
        return known and self._known.without_rejected(ask, known, trace)

    def warm_up(self, ask: Ask) -> None:
        """Let the idle model read the prompt that `ask` would need."""
        self._speculator.warm_up(ask)

    def note_key(self) -> None:
        """Tell the debouncer that the user has typed something."""
        self._debouncer.note_key(self._clock())

    def note_edits(self, uri: str, edits: Sequence[Edit]) -> None:
        """Note a change of a document, which may hold closers that the editor inserted."""
        self._auto_close.note_edits(uri, edits)

    def note_new_engine(self) -> None:
        """The KV cache is empty, so that every prompt costs its whole length again."""
        self._costs.forget_all()

    def forget(self, uri: str) -> None:
        """Stop work for a closed document, and drop its text."""
        self.scheduler.cancel(uri)
        self._known.forget(uri)
        self._auto_close.forget(uri)
        self._costs.forget(uri)

    @property
    def cache(self) -> Cache:
        """The finished suggestions, and the rejected ones."""
        return self._known.cache

    def key(self, ask: Ask) -> CacheKey:
        """Return the cache key of the request's cursor."""
        return CacheKey.at(ask.cursor, ask.key)

    def _keys(self, ask: Ask) -> CacheKeys:
        read_as = self._auto_close.apply(ask.cursor)
        return CacheKeys.of(ask.cursor, read_as, ask.key)

    def _in_session(self, ask: Ask) -> Ask:
        """Adapt a request to what the user did with the last suggestion."""
        last, self._last = self._last, None
        if last is not None:
            if last.is_accepted_at(ask.cursor):
                ask = ask.after_accept()
            self._note_outcome(last, ask.cursor)
        return ask.reading_on() if self._speculator.is_allowed(ask) else ask

    def _note_outcome(self, last: Suggestion, cursor: Cursor) -> None:
        is_followed = last.is_followed_at(cursor)
        if is_followed is not None:
            self._debouncer.note_outcome(is_followed=is_followed)

    def _begin_trace(self, ask: Ask) -> Trace:
        self.trace = Trace(ask.cursor.document.language, ask.is_explicit)
        return self.trace

    def _delay_s(self, ask: Ask, keys: CacheKeys) -> float:
        window = ask.completer.window
        n_new = self._costs.n_new_characters(keys.read, window)
        n_whole = n_prompt_characters(keys.read, window)
        cost_s = self._costs.cost_s(n_new, ask.completer.engine.speed, n_whole)
        floor_s = ask.settings.trigger.debounce_s
        on_battery = self._power.is_on_battery
        return self._debouncer.delay_s(
            ask.cursor, cost_s, floor_s, on_battery=on_battery
        )

    def _request(
        self, ask: Ask, keys: CacheKeys, trace: Trace
    ) -> ForegroundRequest[Suggestion]:
        return ForegroundRequest(
            ask.channel,
            keys.exact,
            keys.read,
            find=lambda: None if ask.is_more else self._known.find(ask, keys, trace),
            work=lambda on_text: self._generate(ask, keys, trace, on_text),
            delay_s=trace.delay_s,
            variant=ask.variant,
            is_short=ask.is_short,
            needs_whole=ask.is_explicit,
        )

    async def _generate(
        self, ask: Ask, keys: CacheKeys, trace: Trace, on_text: OnText
    ) -> Suggestion:
        completions = await _completions(ask, keys.read_as, trace, on_text)
        self._costs.learn(trace.usage)
        self._costs.note_read(keys.read)
        self._known.keep(ask, keys.exact, completions, trace)
        return Suggestion(tuple(completions), keys.exact)


async def _completions(
    ask: Ask, read_as: Cursor, trace: Trace, on_text: OnText
) -> list[Completion]:
    if ask.n_wanted > 1:
        return await ask.completer.alternatives(
            ask.cursor, ask.n_wanted, read_as=read_as, trace=trace
        )
    completion = await ask.completer.complete(
        ask.cursor, on_text, read_as=read_as, trace=trace
    )
    return [completion]
