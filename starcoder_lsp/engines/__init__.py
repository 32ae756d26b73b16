"""What the rest of the house knows of an engine: one verb, and whether it can work."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from starcoder_lsp.flow import Limits, Piece, Prompt


class Phase(Enum):
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    RESTARTING = "restarting"
    FAILED = "failed"


@dataclass(frozen=True)
class EngineState:
    """Where an engine stands; `message` is for the user, `share` is loaded so far."""

    phase: Phase
    message: str = ""
    share: float = 0.0


class Engine(Protocol):
    """Writes text for a prompt."""

    @property
    def state(self) -> EngineState: ...

    def start(self) -> None:
        """Begin to load; returns at once."""
        ...

    def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        """The text, piece by piece; closing the generator stops the model.

        Raises EngineNotReady at once while the model loads, EngineFailed when it
        cannot, EngineCrashed when it dies meanwhile.
        """
        ...

    async def close(self) -> None: ...
