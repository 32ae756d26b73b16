"""An engine that says what it is told to: for tests, demos and work on editors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from starcoder_lsp.engines import EngineState, Phase
from starcoder_lsp.flow import Limits, Piece, Prompt, Usage


class ScriptedEngine:
    """Answers each prompt with the pieces that `script` returns for it.

    `prompts` keeps what was asked, `n_closed` counts generations ended early.
    With `gate` set, each piece waits for it.
    """

    def __init__(self, script: Callable[[Prompt], Sequence[str]] | Sequence[str]):
        self._script = script
        self.state = EngineState(Phase.READY)
        self.prompts: list[Prompt] = []
        self.n_closed = 0
        self.gate: asyncio.Event | None = None

    def start(self) -> None: ...

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        self.prompts.append(prompt)
        pieces = self._script(prompt) if callable(self._script) else self._script
        try:
            for n_generated, text in enumerate(pieces[: limits.max_tokens], start=1):
                await (self.gate.wait() if self.gate else asyncio.sleep(0))
                yield Piece(text, Usage(generated_tokens=n_generated))
            yield Piece("", Usage(generated_tokens=len(pieces), finish_reason="stop"))
        except (GeneratorExit, asyncio.CancelledError):
            self.n_closed += 1
            raise

    async def close(self) -> None: ...
