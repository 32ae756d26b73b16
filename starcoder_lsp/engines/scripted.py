"""An engine that says what it is told to: for tests, demos and work on editors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from starcoder_lsp.engines import AMPLE, EngineState, Phase, Speed
from starcoder_lsp.flow import (
    Candidate,
    FinishReason,
    Limits,
    Piece,
    Prompt,
    Score,
    Usage,
)


class ScriptedEngine:
    """Answers each prompt with the pieces that `script` returns for it.

    `prompts` and `limits` keep what was asked, `n_closed` counts generations ended
    early. With `gate` set, each piece waits for it. `alternatives` are the candidates
    after the script's own text; a text's score is minus its length. `finish_reason` is
    why a text ends.
    """

    def __init__(self, script: Callable[[Prompt], Sequence[str]] | Sequence[str]):
        self._script = script
        self.state = EngineState(Phase.READY)
        self.speed: Speed | None = None
        self.prompts: list[Prompt] = []
        self.limits: list[Limits] = []
        self.alternatives: Sequence[str] = ()
        self.finish_reason: FinishReason = "stop"
        self.n_closed = 0
        self.gate: asyncio.Event | None = None

    def start(self) -> None: ...

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        pieces = self._asked(prompt, limits)[: limits.max_tokens]
        try:
            for n_generated, text in enumerate(pieces, start=1):
                await self._gate()
                yield Piece(text, Usage(generated_tokens=n_generated))
            ended = Usage(
                generated_tokens=len(pieces), finish_reason=self.finish_reason
            )
            yield Piece("", ended)
        except (GeneratorExit, asyncio.CancelledError):
            self.n_closed += 1
            raise

    async def candidates(
        self, prompt: Prompt, limits: Limits, n_wanted: int
    ) -> list[Candidate]:
        pieces = self._asked(prompt, limits)
        await self._gate()
        texts = ["".join(pieces), *self.alternatives][:n_wanted]
        return [Candidate(text, -float(i), "stop") for i, text in enumerate(texts)]

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        await self._gate()
        return [Score(-float(len(text)), len(text.split())) for text in texts]

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        await self._gate()
        return [len(text.split()) for text in texts]

    async def close(self) -> None: ...

    def _asked(self, prompt: Prompt, limits: Limits) -> Sequence[str]:
        self.prompts.append(prompt)
        self.limits.append(limits)
        return self._script(prompt) if callable(self._script) else self._script

    async def _gate(self) -> None:
        await (self.gate.wait() if self.gate else asyncio.sleep(0))
