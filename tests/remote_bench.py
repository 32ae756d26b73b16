"""An engine on a server that speaks a dialect, for tests of the remote engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any

import dialects as speak
from http_server import Answer, HttpServer, serving

from starcoder_lsp.completion.prompt import families
from starcoder_lsp.engines import EngineState, Phase
from starcoder_lsp.engines.remote.client import RemoteEngine
from starcoder_lsp.engines.remote.server import RemoteServer
from starcoder_lsp.flow import Control, Limits, Piece, Prompt, Text

FAMILY = families()["starcoder2"]
CONTROLS = frozenset((*FAMILY.controls, *FAMILY.redaction, *FAMILY.stops))
PROMPT = Prompt(
    (
        Control("<fim_prefix>"),
        Control("<fim_suffix>"),
        Text("after", "end"),
        Control("<fim_middle>"),
        Text("before", "start"),
    ),
    stops=FAMILY.stops,
)
LIMITS = Limits(max_tokens=9, time_budget_ms=60_000)


class Waits:
    """A clock for the waits between probes: each ends when the test says so."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._may_end = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await self._may_end.acquire()

    def end_one(self) -> None:
        self._may_end.release()


class Bench:
    """An engine, the states that it went through, and its server."""

    def __init__(
        self, server: HttpServer, definition: RemoteServer, **more: Any
    ) -> None:
        self.server = server
        self.states: list[EngineState] = []
        self.waits = Waits()
        self._changed = asyncio.Event()
        self.engine = RemoteEngine(
            definition,
            CONTROLS,
            n_context=speak.N_CONTEXT,
            n_reserved=96,
            on_state=self._note,
            sleep=self.waits.sleep,
            **more,
        )

    def _note(self, state: EngineState) -> None:
        self.states.append(state)
        self._changed.set()

    async def reaches(self, *phases: Phase) -> EngineState:
        while self.engine.state.phase not in phases:
            self._changed.clear()
            await self._changed.wait()
        return self.engine.state

    async def pieces(
        self, prompt: Prompt = PROMPT, limits: Limits = LIMITS
    ) -> list[Piece]:
        async with aclosing(self.engine.generate(prompt, limits)) as pieces:
            return [piece async for piece in pieces]

    async def text(self, prompt: Prompt = PROMPT) -> str:
        return "".join(piece.text for piece in await self.pieces(prompt))


Open = Callable[..., Awaitable[Bench]]


@asynccontextmanager
async def benches() -> AsyncIterator[Open]:
    """Yield a function that starts a server of a dialect, and an engine for it.

    `answers` replace those of the server; other arguments are of its definition.
    """
    async with AsyncExitStack() as stack:

        async def open_bench(
            name: str,
            answers: dict[str, Answer] | None = None,
            *,
            gives_up: bool = False,
            **more: Any,
        ) -> Bench:
            all_answers = {**speak.answers_of(name), **(answers or {})}
            server = await stack.enter_async_context(serving(all_answers))
            definition = speak.defined(name, server.address, **more)
            bench = Bench(server, definition, gives_up=gives_up)
            stack.push_async_callback(bench.engine.close)
            bench.engine.start()
            return bench

        yield open_bench
