"""Sessions of random messages: each request is answered exactly once, nothing else is.

A case holds the messages, waits between them, and what engine and client do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from random import Random
from typing import Any

from fuzz import messages, values
from fuzz.accounting import Message
from fuzz.session import Answering, Create, Session, create, framed
from starcoder_lsp.engines import AMPLE, EngineState, Phase
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import EngineCrashed, EngineFailed, EngineNotReady
from starcoder_lsp.flow import Candidate, Limits, Piece, Prompt, Score

WAIT_S = "wait_s"
N_MESSAGES = (1, 5, 20, 60, 200, 400)
ERRORS = {"crashed": EngineCrashed, "failed": EngineFailed, "loading": EngineNotReady}
WRITTEN = ("return ", "n", " + 1\n", "x = [", "]", "\n\n", "\u202e", "😀", "", "}\n", "<|endoftext|>")  # fmt: skip


class SomeEngine(ScriptedEngine):
    """Writes given pieces, each after a while; every so often it fails instead."""

    def __init__(self, plan: Message) -> None:
        super().__init__([str(piece) for piece in plan.get("pieces", ())])
        self._delay_s = float(plan.get("delay_s", 0))
        self._error = ERRORS.get(str(plan.get("error")))
        self._every = int(plan.get("every", 3))
        self._n_asked = 0
        self.state = EngineState(
            Phase.LOADING if plan.get("is_loading") else Phase.READY
        )

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        await self._work()
        async for piece in super().generate(prompt, limits):
            await asyncio.sleep(self._delay_s)
            yield piece

    async def candidates(
        self, prompt: Prompt, limits: Limits, n_wanted: int
    ) -> list[Candidate]:
        await self._work()
        return await super().candidates(prompt, limits, n_wanted)

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        await self._work()
        return await super().score(prompt, texts, limits)

    async def _work(self) -> None:
        self._n_asked += 1
        await asyncio.sleep(self._delay_s)
        if self._error and self._every and self._n_asked % self._every == 0:
            raise self._error("as planned")


def make(random: Random) -> Message:
    client = messages.Client(random)
    share_damaged = random.choice((0, 0.1, 0.5))
    steps: list[Any] = [
        {"jsonrpc": "2.0", "id": "first", "method": "initialize", "params": messages.initialize(random)},
        {"jsonrpc": "2.0", "method": "initialized", "params": {}},
    ]  # fmt: skip
    if random.random() < 0.05:
        steps.clear()
    for _ in range(random.choice(N_MESSAGES)):
        steps.append(client.message(share_damaged))
        if random.random() < 0.3:
            steps.append({WAIT_S: random.choice((0, 0, 0.001, 0.03, 0.1, 3.0))})
    if random.random() < 0.3:
        steps.append({"jsonrpc": "2.0", "id": "last", "method": "shutdown"})
    plan = {
        "pieces": random.choices(WRITTEN, k=random.randint(0, 4)),
        "delay_s": random.choice((0, 0, 0.01, 0.5)),
        "error": random.choice((None, None, None, *ERRORS)),
        "every": random.randint(1, 4),
        "is_loading": random.random() < 0.05,
    }
    return {"engine": plan, "client": _habits(random), "steps": steps}


def _habits(random: Random) -> list[Any]:
    """Return the client's reactions to the next requests of the server."""
    kinds: tuple[Any, ...] = (None, {}, {"result": None}, {"result": [messages.options(random)]}, {"error": {"code": 1, "message": ""}})  # fmt: skip
    odd = {"result": values.json_value(random)}
    return random.choices((*kinds, odd, {"error": values.json_value(random)}), k=3)


def check(case: Message, create: Create = create) -> int:
    """Run a session; `create` builds the server."""
    chunks = [_chunk(step) for step in case["steps"]]
    engine = SomeEngine(case.get("engine", {}))
    Session(chunks, engine, _answering(case.get("client", [])), create).run()
    return sum(isinstance(chunk, bytes) for chunk in chunks)


def _chunk(step: Any) -> bytes | float:
    if isinstance(step, dict) and WAIT_S in step:
        return float(step[WAIT_S])
    return framed(step)


def _answering(habits: Sequence[Any]) -> Answering:
    turns: Iterator[Any] = iter(habits)

    def answer(request: Message) -> Message | None:
        habit = next(turns, None)
        if habit is None:
            return None
        return {"jsonrpc": "2.0", "id": request["id"], **habit}

    return answer
