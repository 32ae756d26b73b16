"""One suggestion, from the question to the answer: cache, model, and what may come next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.flow import Completion, Cursor, Usage
from starcoder_lsp.runtime.bounded_dict import Newest
from starcoder_lsp.suggesting import ahead
from starcoder_lsp.suggesting.ask import Ask, Suggestion
from starcoder_lsp.suggesting.battery import Power
from starcoder_lsp.suggesting.cache import Cache, Found, Spot
from starcoder_lsp.suggesting.cache.follow import follow
from starcoder_lsp.suggesting.closing_brackets import Freezer
from starcoder_lsp.suggesting.debounce import Pace, Rhythm
from starcoder_lsp.suggesting.scheduler import Hear, Job, Request, Scheduler
from starcoder_lsp.suggesting.spots import Spots, beside, spot_of, spots_of

# What may be wanted next is begun after a rest, the longer the more it costs.
LEAST_REST_S, RESTS_PER_COST = 0.2, 3.0
WARM_UP_AFTER_S = 0.15
MAX_TRACES = 8
MAX_READ = 4


class Suggester:
    """Everything that outlives a request."""

    def __init__(
        self,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        power: Power | None = None,
    ) -> None:
        self.cache = Cache()
        self.scheduler = Scheduler(sleep)
        self.rhythm = Rhythm()
        self.trace = Trace(decision="nothing was asked yet")
        self._freezer = Freezer()
        self._pace = Pace()
        self._power = power or Power()
        self._clock = clock
        self._traces: Newest[Spot, Trace] = Newest(MAX_TRACES)
        # What the model has read last, by document; another engine has read nothing.
        self.has_read: Newest[str, Spot] = Newest(MAX_READ)
        self._ahead_of: Spot | None = None
        self._last: Suggestion | None = None

    async def suggest(self, ask: Ask) -> Suggestion | None:
        """An answer, perhaps of nothing; None when a newer question took its place.

        Raises EngineError.
        """
        spots = self._spots(ask)
        if self._is_at_end_of_last(ask.cursor):
            ask = ask.after_accept()
        self._note_outcome(ask.cursor)
        if self._may_speculate(ask):
            ask = ask.reading_on()
        trace = self.trace = Trace(ask.cursor.document.language, ask.is_explicit)
        trace.inserted_by_editor = spots.before[-1][1] if spots.before else ""
        trace.delay_s = self._delay_s(ask, spots.read) if ask.waits else 0.0
        request = Request(
            ask.channel,
            spots.exact,
            spots.read,
            lambda: None if ask.is_more else self._known(ask, spots, trace),
            lambda hear: self._generate(ask, spots, trace, hear),
            trace.delay_s,
            variant=ask.variant,
        )
        suggestion = await self.scheduler.run(request)
        if suggestion is None:
            trace.decision = "a newer request took its place"
            return None
        if not trace.is_made:
            trace.recall(self._traces.get(suggestion.spot))
        suggestion = self._without_unwanted(ask, suggestion, trace)
        self._last = suggestion
        self._plan(ask, suggestion)
        return suggestion

    def spot(self, ask: Ask) -> Spot:
        """The cursor's spot in the cache."""
        return spot_of(ask.cursor, ask.key)

    def peek(self, ask: Ask) -> Suggestion | None:
        """What can be answered without the model."""
        trace = self.trace = Trace(ask.cursor.document.language, ask.is_explicit)
        known = self._known(ask, self._spots(ask), trace)
        return known and self._without_unwanted(ask, known, trace)

    def note_key(self) -> None:
        self.rhythm.note_key(self._clock())

    def warm_up(self, ask: Ask) -> None:
        """Let the model read, when idle, what a question here would need."""
        if not self._may_speculate(ask) or not self.scheduler.is_idle:
            return
        cursor = self._freezer.frozen(ask.cursor)
        spot = spot_of(cursor, ask.key)
        if self.has_read.get(spot.space.uri) == spot:
            return

        async def read(_hear: Hear) -> None:
            await ask.reading_on().completer.warm_up(cursor)
            self.has_read[spot.space.uri] = spot

        self.scheduler.when_idle(lambda: Job(None, None, read), WARM_UP_AFTER_S)

    def forget(self, uri: str) -> None:
        """The document is closed."""
        self.scheduler.cancel(uri)
        self.cache.forget(uri)
        self._freezer.forget(uri)
        self.has_read.pop(uri, None)
        for spot in [spot for spot in self._traces if spot.space.uri == uri]:
            del self._traces[spot]

    def _spots(self, ask: Ask) -> Spots:
        return spots_of(ask.cursor, self._freezer.frozen(ask.cursor), ask.key)

    def _known(self, ask: Ask, spots: Spots, trace: Trace) -> Suggestion | None:
        found = self.cache.find(spots.exact) or self._known_before(spots)
        if found is None or (ask.n_wanted > 1 and not found.is_full):
            return None
        if ask.is_explicit and not found.completions:
            return None
        trace.recall(self._traces.get(found.begun_at))
        free = Usage(finish_reason="stop")
        completions = tuple(replace(one, usage=free) for one in found.completions)
        return Suggestion(completions, spots.exact, is_known=True)

    def _known_before(self, spots: Spots) -> Found | None:
        """What was suggested before the editor closed what the user typed of it."""
        for spot, inserted in spots.before:
            if found := self.cache.find(spot):
                placed = [
                    beside(one, inserted)
                    for one in found.completions
                    if not self.cache.is_unwanted(spot, one.text)
                ]
                if not (fitting := tuple(one for one in placed if one.text)):
                    continue
                self.cache.keep(spots.exact, fitting, is_full=found.is_full)
                return replace(found, completions=fitting)
        return None

    async def _generate(
        self, ask: Ask, spots: Spots, trace: Trace, hear: Hear
    ) -> Suggestion:
        completer, read_as = ask.completer, spots.read_as
        if ask.n_wanted > 1:
            completions = await completer.alternatives(
                ask.cursor, ask.n_wanted, read_as=read_as, trace=trace
            )
        else:
            completions = [
                await completer.complete(ask.cursor, hear, read_as=read_as, trace=trace)
            ]
        self._pace.learn(trace.usage)
        self.has_read[spots.read.space.uri] = spots.read
        self._keep(spots.exact, completions, trace, is_full=ask.n_wanted > 1)
        return Suggestion(tuple(completions), spots.exact)

    def _keep(
        self,
        spot: Spot,
        completions: Sequence[Completion],
        trace: Trace,
        *,
        is_full: bool = False,
    ) -> None:
        self._traces[spot] = trace
        # Nothing for want of time is no answer: next time the model gets further.
        is_late = trace.usage.finish_reason == "time"
        if not is_late or any(one.text for one in completions):
            self.cache.keep(spot, completions, is_full=is_full)

    def _without_unwanted(
        self, ask: Ask, suggestion: Suggestion, trace: Trace
    ) -> Suggestion:
        wanted = tuple(
            one
            for one in suggestion.completions
            if ask.is_explicit or not self.cache.is_unwanted(suggestion.spot, one.text)
        )
        if len(wanted) < len(suggestion.completions):
            trace.decision = "you have turned down what is suggested here"
        trace.shown = [one.text for one in wanted]
        return replace(suggestion, completions=wanted)

    def _delay_s(self, ask: Ask, read: Spot) -> float:
        cost_s = self._pace.cost_s(self._n_new(ask, read), ask.completer.engine.speed)
        floor_s = ask.settings.trigger.debounce_s
        on_battery = self._power.is_on_battery
        return self.rhythm.delay_s(ask.cursor, cost_s, floor_s, on_battery=on_battery)

    def _note_outcome(self, cursor: Cursor) -> None:
        """See whether the user has gone along with the last suggestion."""
        last, self._last = self._last, None
        if last is None or not last.completions or not last.completions[0].text:
            return
        text, begun = last.completions[0].text, last.spot.prefix
        typed = cursor.prefix[len(begun) :]
        is_further = last.spot.space.uri == cursor.document.uri and typed
        if is_further and cursor.prefix.startswith(begun):
            is_followed = typed.startswith(text) or follow(text, typed) is not None
            self.rhythm.note_outcome(is_followed=is_followed)

    def _is_at_end_of_last(self, cursor: Cursor) -> bool:
        """Whether the user has just taken all of the last suggestion."""
        last = self._last
        if last is None or last.spot.space.uri != cursor.document.uri:
            return False
        taken = [last.spot.prefix + one.text for one in last.completions if one.text]
        return cursor.prefix in taken

    def _n_new(self, ask: Ask, read: Spot) -> int:
        """How many characters the model has probably not read yet."""
        last = self.has_read.get(read.space.uri)
        if last is not None and last.space == read.space:
            ours, theirs = read.prefix, last.prefix
            if ours.startswith(theirs) or theirs.startswith(ours):
                return abs(len(ours) - len(theirs))
        window = ask.completer.window
        return min(len(read.prefix), window.prefix) + window.suffix

    def _may_speculate(self, ask: Ask) -> bool:
        wish = ask.settings.trigger.speculate
        return wish == "always" or (wish == "auto" and not self._power.is_on_battery)

    def _plan(self, ask: Ask, suggestion: Suggestion) -> None:
        """Work on what follows the suggestion, should it be accepted."""
        if not suggestion.completions or not self._may_speculate(ask):
            return
        completion = suggestion.completions[0]
        if completion.text:
            cost_s = self._pace.cost_s(len(completion.text), ask.completer.engine.speed)
            rest_s = max(cost_s * RESTS_PER_COST, LEAST_REST_S) * self.rhythm.patience
            self.scheduler.when_idle(lambda: self._job_ahead(ask, completion), rest_s)

    def _job_ahead(self, ask: Ask, completion: Completion) -> Job | None:
        cursor = ahead.accepted(ask.cursor, completion)
        spots = spots_of(cursor, self._freezer.foreseen(cursor), ask.key)
        if spots.exact == self._ahead_of or self.cache.find(spots.exact):
            return None
        usual = replace(ask, cursor=cursor, n_wanted=1, is_explicit=False)
        later = usual.after_accept()
        return Job(spots.exact, spots.read, partial(self._ahead, later, spots))

    async def _ahead(self, ask: Ask, spots: Spots, hear: Hear) -> Suggestion:
        trace = Trace(ask.cursor.document.language)
        completion = await ahead.after_accepting(
            ask.completer, ask.cursor, spots.read_as, hear, trace
        )
        spot = self._ahead_of = spots.exact
        self.has_read[spot.space.uri] = spots.read
        self._keep(spot, [completion], trace)
        return Suggestion((completion,), spot)
