"""What the rest of the house knows of an engine: its verbs, and whether it can work."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from starcoder_lsp.flow import Candidate, Limits, Piece, Prompt, Score


class Phase(Enum):
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    RESTARTING = "restarting"
    SLEEPING = "sleeping"
    FAILED = "failed"


@dataclass(frozen=True)
class EngineState:
    """Where an engine stands; `message` is for the user, `share` is loaded so far.

    `n_prompt_tokens` is how long a prompt may be, 0 before that is known.
    """

    phase: Phase
    message: str = ""
    share: float = 0.0
    n_prompt_tokens: int = 0


@dataclass(frozen=True)
class Speed:
    """What an engine was measured to do on this machine."""

    prefill_tokens_per_s: float
    decode_tokens_per_s: float


# For work that nobody waits for while typing.
AMPLE = Limits(time_budget_ms=60_000)


class Engine(Protocol):
    """Writes text for a prompt, and judges texts.

    Every verb raises EngineNotReady at once while the model loads, EngineFailed when
    it cannot, EngineCrashed when it dies meanwhile, EngineYielded when it was to yield
    and had to. Cancelling stops the model.
    One that sleeps has given its memory back; a verb or `start` wakes it.
    """

    @property
    def state(self) -> EngineState: ...

    @property
    def speed(self) -> Speed | None:
        """None until it was measured."""
        ...

    def start(self) -> None:
        """Begin to load; returns at once."""
        ...

    def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        """The text, piece by piece; closing the generator stops the model."""
        ...

    async def candidates(
        self, prompt: Prompt, limits: Limits, n_wanted: int
    ) -> list[Candidate]:
        """Up to so many different texts, the likeliest first."""
        ...

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        """How likely each text is to follow the prompt, read within the limits."""
        ...

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has."""
        ...

    async def close(self) -> None: ...
