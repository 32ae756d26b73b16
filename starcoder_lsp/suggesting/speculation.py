"""Works ahead while the model is idle: reads prompts, writes the next suggestion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.flow import NO_VERSION, Completion, Cursor
from starcoder_lsp.languages.lines import indentation
from starcoder_lsp.suggesting.ask import Ask, Suggestion
from starcoder_lsp.suggesting.battery import Power
from starcoder_lsp.suggesting.cache import CacheKey
from starcoder_lsp.suggesting.cache_keys import CacheKeys
from starcoder_lsp.suggesting.closing_brackets import AutoCloseFilter
from starcoder_lsp.suggesting.cost import CostEstimator
from starcoder_lsp.suggesting.known import KnownSuggestions
from starcoder_lsp.suggesting.scheduler import BackgroundJob, OnText, Scheduler

# Speculative work starts after a pause of so many times its own cost.
PAUSES_PER_COST, LEAST_PAUSE_S = 3.0, 0.2
WARM_UP_AFTER_S = 0.15


class Speculator:
    """Plans background work for the scheduler, if settings and battery allow it."""

    def __init__(
        self,
        scheduler: Scheduler,
        known: KnownSuggestions,
        auto_close: AutoCloseFilter,
        costs: CostEstimator,
        power: Power,
    ) -> None:
        self._scheduler = scheduler
        self._known = known
        self._auto_close = auto_close
        self._costs = costs
        self._power = power
        self._done_for: CacheKey | None = None

    def is_allowed(self, ask: Ask) -> bool:
        """Work ahead would slow down other users of a shared server."""
        wish = ask.settings.trigger.speculate
        is_elsewhere = ask.settings.engine.is_remote
        is_free = not is_elsewhere and not self._power.is_on_battery
        return wish == "always" or (wish == "auto" and is_free)

    def follow(self, ask: Ask, suggestion: Suggestion, pause_factor: float) -> None:
        """Plan to write the suggestion that follows once this one is accepted.

        `pause_factor` lengthens the pause before: the fewer suggestions the user
        accepts, the later this work starts.
        """
        if not suggestion.completions or not self.is_allowed(ask):
            return
        completion = suggestion.completions[0]
        if completion.text:
            speed = ask.completer.engine.speed
            cost_s = self._costs.cost_s(len(completion.text), speed)
            pause_s = max(cost_s * PAUSES_PER_COST, LEAST_PAUSE_S) * pause_factor
            self._scheduler.when_idle(lambda: self._next_job(ask, completion), pause_s)

    def warm_up(self, ask: Ask) -> None:
        """Plan to read the prompt of `ask`, so that the KV cache holds it."""
        if not self.is_allowed(ask) or not self._scheduler.is_idle:
            return
        cursor = self._auto_close.apply(ask.cursor)
        key = CacheKey.at(cursor, ask.key)
        if self._costs.has_just_read(key):
            return

        async def read(_on_text: OnText) -> None:
            await ask.reading_on().completer.warm_up(cursor)
            self._costs.note_read(key)

        job = BackgroundJob(None, None, read)
        self._scheduler.when_idle(lambda: job, WARM_UP_AFTER_S)

    def _next_job(self, ask: Ask, completion: Completion) -> BackgroundJob | None:
        cursor = accepted(ask.cursor, completion)
        keys = CacheKeys.of(cursor, self._auto_close.preview(cursor), ask.key)
        if keys.exact == self._done_for or self._known.cache.find(keys.exact):
            return None
        usual = replace(ask, cursor=cursor, n_wanted=1, is_explicit=False)
        later = usual.after_accept()
        work = partial(self._write, later, keys)
        return BackgroundJob(keys.exact, keys.read, work, is_short=later.is_short)

    async def _write(self, ask: Ask, keys: CacheKeys, on_text: OnText) -> Suggestion:
        trace = Trace(ask.cursor.document.language)
        completion = await complete_after_accept(
            ask.completer, ask.cursor, keys.read_as, on_text, trace
        )
        self._done_for = keys.exact
        self._costs.note_read(keys.read)
        self._known.keep(ask, keys.exact, [completion], trace)
        return Suggestion((completion,), keys.exact)


async def complete_after_accept(
    completer: Completer,
    cursor: Cursor,
    read_as: Cursor,
    on_text: Callable[[str], None],
    trace: Trace,
) -> Completion:
    """Complete the line where an accepted suggestion ends, or else the next line.

    Raises EngineYielded when another request needs the model.
    """
    completer = replace(completer, limits=replace(completer.limits, yields=True))
    completion = await completer.complete(cursor, on_text, read_as=read_as, trace=trace)
    if completion.text.strip() or cursor.line_suffix.strip():
        return completion
    line_break = cursor.document.newline + indentation(cursor.line_prefix)
    below = await completer.complete(typed(cursor, line_break), trace=trace)
    if not below.text.strip():
        return completion
    return replace(below, text=line_break + below.text)


def accepted(cursor: Cursor, completion: Completion) -> Cursor:
    """Return the cursor as it will be once the user has accepted `completion`."""
    after = cursor.suffix[completion.n_replaced :]
    prefix = cursor.prefix + completion.text
    document = replace(cursor.document, text=prefix + after, version=NO_VERSION)
    return Cursor(document, len(prefix))


def typed(cursor: Cursor, text: str) -> Cursor:
    """Return the cursor as it will be once the user has typed `text`."""
    return accepted(cursor, Completion(text))
