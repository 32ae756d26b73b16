"""The contract of every engine: what the rest of the program may ask of one.

`Engine` is the whole of it. `scripted.py` is the smallest engine there is; `llama/` runs
models on this machine, `remote/` asks a server. `prompt_fit.py` and `token_cache.py` help any engine that
tokenizes prompts itself.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from starcoder_lsp.errors import EngineFailed, EngineNotReady
from starcoder_lsp.flow import Candidate, Limits, Piece, Prompt, Score


class Phase(Enum):
    """The states of an engine; `Engine` says which follows which."""

    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    RESTARTING = "restarting"
    SLEEPING = "sleeping"
    FAILED = "failed"


@dataclass(frozen=True)
class EngineState:
    """The state of an engine, as it is shown to the user.

    `message` goes on the status line. `share` is how much of the model is loaded, from
    0 to 1. `n_prompt_tokens` is how many tokens a prompt may have; None while that is
    not known, and for an engine that never knows.
    """

    phase: Phase
    message: str = ""
    share: float = 0.0
    n_prompt_tokens: int | None = None


@dataclass(frozen=True)
class Speed:
    """The measured speed of an engine, without the time that a network takes.

    `decode_tokens_per_s` holds behind a short prompt; `decode_s_per_depth` is how many
    seconds longer a token takes for each token before it. The network takes `latency_s`,
    from here to the engine and back.
    """

    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    decode_s_per_depth: float = 0.0
    latency_s: float = 0.0

    def decode_s(self, depth: float) -> float:
        """Return the seconds for one token behind `depth` tokens."""
        return 1 / max(self.decode_tokens_per_s, 1.0) + depth * self.decode_s_per_depth


@dataclass(frozen=True)
class EngineReport:
    """The report of an engine that became ready: a line for people, and warnings."""

    summary: str
    notes: tuple[str, ...] = ()


# Limits of work that no keystroke waits for.
AMPLE = Limits(time_budget_ms=60_000)


class Engine(Protocol):
    """Generates text for prompts, and scores texts.

    Lifecycle. A new engine is STARTING and does nothing. `start` begins to load and
    returns at once; then the state goes on to LOADING (any number of times, with a
    growing `share`) and READY. After a crash it is RESTARTING until it is LOADING again.
    An engine may release its memory while it is not used: then it is SLEEPING until a
    verb or `start` wakes it. FAILED is final: `message` says why and what to do, and the
    user gets another engine. An engine is built with a callback `on_state` that it calls
    with each new state, on the event loop, but not from `close`.

    Verbs are `generate`, `candidates`, `score` and `count_tokens`. They never wait for
    the model to load. All raise, and nothing but

    - EngineNotReady at once unless the state is READY or FAILED,
    - EngineFailed when the state is FAILED, or when no request will ever succeed,
    - EngineCrashed when this request failed and a later one may succeed,
    - EngineYielded when `limits.yields` is set and another request wanted the engine,
    - EngineUnsupported when this kind of engine lacks the verb.

    Cancellation. Cancelling the task that awaits a verb, or closing the generator, stops
    the work: the engine cleans up in `finally`, and CancelledError passes. Requests may
    overlap; the engine orders them.

    Limits. An engine obeys `max_tokens` and ends with `finish_reason` "time" when
    `time_budget_ms` is over. The other fields are wishes: an engine does what it can.
    """

    @property
    def state(self) -> EngineState:
        """The state now; readable at any time, without waiting."""
        ...

    @property
    def speed(self) -> Speed | None:
        """The measured speed; None before it is known, and where it is not measured.

        It decides how long to wait for a pause in typing and how much to read ahead.
        Without it careful defaults are used.
        """
        ...

    def start(self) -> None:
        """Begin to load, or wake up; returns at once. Further calls change nothing."""
        ...

    async def ready(self) -> EngineReport:
        """Wait until the state is READY. Raises EngineFailed when it is FAILED."""
        ...

    async def measured(self) -> Speed | None:
        """Wait until `speed` is known; None when it never will be.

        Raises EngineFailed when the state is FAILED.
        """
        ...

    def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        """Yield the likeliest text piece by piece, as soon as each is known.

        The last piece, and only this one, has a `finish_reason`; its text may be empty.
        The text does not begin with `prompt.held_back` and contains no control token.
        With `max_tokens` of 0 the prompt is only read, which makes the next request with
        the same beginning cheap; an engine without a cache yields the last piece at once.
        """
        ...

    async def candidates(
        self, prompt: Prompt, limits: Limits, n_wanted: int
    ) -> list[Candidate]:
        """Return up to `n_wanted` different texts, the likeliest first.

        Fewer, or none, where the engine finds no more: the text of `generate` is there
        anyway. An engine that cannot generate several texts returns an empty list.
        """
        ...

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        """Return how likely each text is to follow the prompt, in the order of `texts`.

        Raises EngineUnsupported where log-probabilities of given texts cannot be had;
        suggestions then keep their order.
        """
        ...

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the number of tokens of each text, without special tokens.

        Raises EngineUnsupported without a tokenizer; prompts are then measured by a
        careful guess of characters per token.
        """
        ...

    async def close(self) -> None:
        """End all requests with EngineCrashed and release everything.

        The state is FAILED afterwards. Returns when memory and processes are gone; may
        be called in any state, and twice.
        """
        ...


def raise_if_failed(state: EngineState) -> None:
    """Raise EngineFailed when an engine in `state` will not become ready."""
    if state.phase is Phase.FAILED:
        raise EngineFailed(state.message)


def raise_unless_ready(state: EngineState) -> None:
    """Raise what every verb of an engine that is not READY raises."""
    raise_if_failed(state)
    if state.phase is not Phase.READY:
        raise EngineNotReady(state.message)
