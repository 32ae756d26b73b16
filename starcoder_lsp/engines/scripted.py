"""An engine that generates what a script says: for tests, demos and work on editors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence

from starcoder_lsp.engines import (
    AMPLE,
    EngineReport,
    EngineState,
    Phase,
    Speed,
    raise_if_failed,
    raise_unless_ready,
)
from starcoder_lsp.errors import EngineCrashed, EngineUnsupported
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
    """An `Engine` that answers each prompt with the pieces that `script` returns.

    It is ready from the beginning; tests may set its `state` and `speed`. `prompts` and
    `limits` record the requests, `n_closed` counts the generations that were ended
    early. With `gate` set, each piece and each answer waits for it. `alternatives` are
    the candidates after the script's own text, the score of a text is minus its length,
    and a token is a word. `finish_reason` is why each text ends. The verbs named in
    `unsupported` do what the engine contract says of an engine that lacks them.
    """

    def __init__(self, script: Callable[[Prompt], Sequence[str]] | Sequence[str]):
        self._script = script
        self._changed = asyncio.Event()
        self._state = EngineState(Phase.READY, "ready", 1.0)
        self.speed: Speed | None = None
        self.prompts: list[Prompt] = []
        self.limits: list[Limits] = []
        self.alternatives: Sequence[str] = ()
        self.unsupported: Collection[str] = ()
        self.finish_reason: FinishReason = "stop"
        self.n_closed = 0
        self.gate: asyncio.Event | None = None
        self._closed = asyncio.Event()

    @property
    def state(self) -> EngineState:
        return self._state

    @state.setter
    def state(self, state: EngineState) -> None:
        self._state = state
        self._changed.set()

    def start(self) -> None:
        if self._state.phase is Phase.SLEEPING:
            self.state = EngineState(Phase.READY, "ready", 1.0)

    async def ready(self) -> EngineReport:
        while self._state.phase is not Phase.READY:
            raise_if_failed(self._state)
            self._changed.clear()
            await self._changed.wait()
        return EngineReport("a script")

    async def measured(self) -> Speed | None:
        raise_if_failed(self._state)
        return self.speed

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        self._wake()
        pieces = self._asked(prompt, limits)[: limits.max_tokens]
        try:
            for n_generated, text in enumerate(pieces, start=1):
                await self._wait()
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
        self._wake()
        if "candidates" in self.unsupported:
            return []
        pieces = self._asked(prompt, limits)
        await self._wait()
        texts = ["".join(pieces), *self.alternatives][:n_wanted]
        return [Candidate(text, -float(i), "stop") for i, text in enumerate(texts)]

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        self._wake("score")
        await self._wait()
        return [Score(-float(len(text)), len(text.split())) for text in texts]

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        self._wake("count_tokens")
        await self._wait()
        return [len(text.split()) for text in texts]

    async def close(self) -> None:
        self.state = EngineState(Phase.FAILED, "the engine was closed")
        self._closed.set()

    def _wake(self, verb: str = "") -> None:
        """Raise what a verb raises at once, and wake an engine that sleeps."""
        state = self._state
        self.start()
        raise_unless_ready(state)
        if verb in self.unsupported:
            raise EngineUnsupported(f"a script cannot {verb}")

    def _asked(self, prompt: Prompt, limits: Limits) -> Sequence[str]:
        self.prompts.append(prompt)
        self.limits.append(limits)
        return self._script(prompt) if callable(self._script) else self._script

    async def _wait(self) -> None:
        is_held = self.gate is not None and not self.gate.is_set()
        await (self._gate_or_close() if is_held else asyncio.sleep(0))
        if self._closed.is_set():
            raise EngineCrashed("the engine was closed")

    async def _gate_or_close(self) -> None:
        assert self.gate is not None
        waits = [asyncio.ensure_future(e.wait()) for e in (self.gate, self._closed)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
