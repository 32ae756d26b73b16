"""The remote engine: the verbs of the engine protocol, asked of a server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from starcoder_lsp.engines import (
    AMPLE,
    EngineReport,
    EngineState,
    Phase,
    Speed,
    raise_if_failed,
    raise_unless_ready,
)
from starcoder_lsp.engines.remote import extras, generation
from starcoder_lsp.engines.remote.link import CLOSED, Link
from starcoder_lsp.engines.remote.pace import ReadBefore
from starcoder_lsp.engines.remote.running import Put, RunningRequests
from starcoder_lsp.engines.remote.server import RemoteServer
from starcoder_lsp.engines.remote.trouble import Course, Trouble
from starcoder_lsp.errors import (
    EngineCrashed,
    EngineError,
    EngineFailed,
    EngineUnsupported,
    ModelBroken,
)
from starcoder_lsp.flow import Candidate, Limits, Piece, Prompt, Score, Text, Usage

# A prompt for measuring the speed, long enough to be worth a measurement.
SAMPLE = Prompt((Text("\n".join(f"x{i} = {i}" for i in range(100)), "start"),))
SAMPLE_LIMITS = Limits(max_tokens=8, time_budget_ms=30_000)

logger = logging.getLogger(__name__)

Answered = TypeVar("Answered")


class RemoteEngine:
    """An `Engine` that is a server of the user's.

    `controls` are the control tokens of the model's family, and `n_context` is the
    context of the model, which counts if the server tells none. `n_reserved` tokens of
    it stay free for an answer. Requests from one `workspace` reach the same replica.
    With `gives_up` the engine fails where it would otherwise try again.
    """

    def __init__(
        self,
        server: RemoteServer,
        controls: Collection[str],
        *,
        n_context: int,
        n_reserved: int = 0,
        workspace: Path | None = None,
        on_state: Callable[[EngineState], None] = lambda state: None,
        gives_up: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.link = Link(
            server,
            controls,
            n_context=n_context,
            n_reserved=n_reserved,
            workspace=workspace,
            on_state=on_state,
            on_found=self._forget,
            gives_up=gives_up,
            sleep=sleep,
        )
        self._read = ReadBefore()
        self._running = RunningRequests()

    @property
    def state(self) -> EngineState:
        return self.link.state

    @property
    def speed(self) -> Speed | None:
        return self.link.pace.speed

    def start(self) -> None:
        self.link.start()

    async def ready(self) -> EngineReport:
        while self.state.phase is not Phase.READY:
            await self.link.change()
        server, found = self.link.server, self.link.found
        version = f" {found.version}" if found.version else ""
        model = server.adapter or server.model or "its own model"
        n_context = self.link.requests.n_context
        told = "" if found.n_context else " (assumed; context_tokens sets it)"
        return EngineReport(
            f"{self.link.dialect.title}{version} at {server.url} with {model}, and a "
            f"context of {n_context} tokens{told}",
            found.notes,
        )

    async def measured(self) -> Speed | None:
        raise_if_failed(self.state)
        if self.speed is None and self.state.phase is Phase.READY:
            with contextlib.suppress(EngineCrashed):
                async with aclosing(self.generate(SAMPLE, SAMPLE_LIMITS)) as pieces:
                    async for _ in pieces:
                        pass
        raise_if_failed(self.state)
        return self.speed

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        raise_unless_ready(self.state)
        if not limits.max_tokens and not self.link.dialect.has_prefix_cache:
            yield Piece("", Usage(finish_reason="length"))
            return
        running = self._running.begin(
            limits,
            lambda put: generation.generate(self.link, self._read, prompt, limits, put),
        )
        try:
            is_over = False
            while not is_over:
                outcome = await running.get()
                if isinstance(outcome, EngineError):
                    raise outcome
                is_over = outcome.usage.finish_reason is not None
                yield outcome
        finally:
            running.cancel()

    async def candidates(
        self, prompt: Prompt, limits: Limits, n_wanted: int
    ) -> list[Candidate]:
        raise_unless_ready(self.state)

        async def ask() -> list[Candidate]:
            formed = await generation.formed_prompt(
                self.link, self._read, prompt, limits
            )
            try:
                return await extras.candidates(
                    self.link, formed, prompt, limits, n_wanted
                )
            except Trouble as trouble:
                # The text of `generate` is there anyway.
                if trouble.course is not Course.GO_ON:
                    raise
                logger.info("no other texts: %s", trouble.kind)
                return []

        try:
            return await self._asked(limits, ask)
        except TimeoutError:
            return []

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        raise_unless_ready(self.state)
        vocabulary = self.link.requests.vocabulary
        if vocabulary is None or not self.link.dialect.score:
            title = self.link.dialect.title
            raise EngineUnsupported(f"{title} does not tell how likely a given text is")
        texts = [prompt.held_back + text for text in texts]
        bare = replace(prompt, held_back="")

        async def ask() -> list[Score]:
            await vocabulary.prepare(texts)
            rows = [vocabulary.encode(text) for text in texts]
            n_longest = max(map(len, rows), default=0)
            formed = await generation.formed_prompt(
                self.link, self._read, bare, replace(limits, max_tokens=n_longest)
            )
            return await extras.score(self.link, formed, rows)

        try:
            return await self._asked(limits, ask)
        except TimeoutError:
            raise EngineCrashed("the texts were not scored in time") from None

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        raise_unless_ready(self.state)
        vocabulary = self.link.requests.vocabulary
        if vocabulary is None:
            raise EngineUnsupported(
                f"{self.link.dialect.title} has no tokenizer for us"
            )
        try:
            await self._asked(AMPLE, lambda: vocabulary.prepare(texts))
        except TimeoutError:
            raise EngineCrashed("the texts were not tokenized in time") from None
        return [len(vocabulary.encode(text)) for text in texts]

    async def close(self) -> None:
        # Requests from now on fail at once.
        closing = asyncio.ensure_future(self.link.close())
        await self._running.end(EngineCrashed(CLOSED))
        await closing

    def _forget(self) -> None:
        """A server that was away has probably an empty cache."""
        self._read = ReadBefore()

    async def _asked(
        self, limits: Limits, ask: Callable[[], Awaitable[Answered]]
    ) -> Answered:
        """Return the answer to a request that is not streamed.

        Raises EngineError, and TimeoutError when the time budget is over.
        """
        results: list[Answered] = []

        async def work(put: Put) -> None:
            try:
                async with asyncio.timeout(limits.time_budget_ms / 1000):
                    results.append(await ask())
            except TimeoutError:
                pass
            except Trouble as trouble:
                put(self.link.suffer(trouble))
            except ModelBroken as exc:
                put(EngineFailed(str(exc)))
            put(Piece("", Usage(finish_reason="stop")))

        running = self._running.begin(limits, work)
        try:
            outcome = await running.get()
        finally:
            running.cancel()
        if isinstance(outcome, EngineError):
            raise outcome
        if not results:
            raise TimeoutError
        return results[0]
