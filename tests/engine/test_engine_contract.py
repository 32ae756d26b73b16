"""The promises of the engine protocol, kept by each kind of engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from starcoder_lsp.engines import Engine, Phase
from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import (
    EngineCrashed,
    EngineFailed,
    EngineNotReady,
    EngineUnsupported,
)
from starcoder_lsp.flow import Limits, Prompt, Text

PROMPT = Prompt((Text("def f(x):\n    return"),))
LIMITS = Limits(max_tokens=20, time_budget_ms=60_000)
LONG = Limits(max_tokens=700, time_budget_ms=600_000)
KINDS = ["scripted", "llama"]


def made(kind: str, model: Path) -> Engine:
    if kind == "scripted":
        return ScriptedEngine(["word "] * 1000)
    return LlamaEngine(Load(str(model), "starcoder2", 1024))


@pytest.fixture(params=KINDS)
async def engine(
    request: pytest.FixtureRequest, tiny_starcoder2: Path
) -> AsyncIterator[Engine]:
    engine = made(request.param, tiny_starcoder2)
    engine.start()
    await engine.ready()
    yield engine
    await engine.close()


async def generated(engine: Engine) -> str:
    async with aclosing(engine.generate(PROMPT, LIMITS)) as pieces:
        return "".join([piece.text async for piece in pieces])


Verb = Callable[[Engine], Awaitable[object]]
VERBS: dict[str, Verb] = {
    "generate": generated,
    "candidates": lambda engine: engine.candidates(PROMPT, LIMITS, 2),
    "score": lambda engine: engine.score(PROMPT, ["x"]),
    "count_tokens": lambda engine: engine.count_tokens(["x"]),
}


async def test_only_the_last_piece_has_a_finish_reason(engine: Engine) -> None:
    async with aclosing(engine.generate(PROMPT, LIMITS)) as pieces:
        reasons = [piece.usage.finish_reason async for piece in pieces]
    assert len(reasons) > 1
    assert reasons.index(reasons[-1]) == len(reasons) - 1
    assert reasons[-1] is not None


async def test_the_same_prompt_has_the_same_answer(engine: Engine) -> None:
    assert await generated(engine) == await generated(engine) != ""


async def test_a_request_can_prefill_without_generating(engine: Engine) -> None:
    only_read = Limits(max_tokens=0, time_budget_ms=60_000)
    async with aclosing(engine.generate(PROMPT, only_read)) as pieces:
        assert [piece.text async for piece in pieces] == [""]


async def test_answers_have_a_row_for_each_text(engine: Engine) -> None:
    assert len(await engine.score(PROMPT, ["a", "b c", "d"])) == 3
    assert len(await engine.count_tokens(["", "a"])) == 2
    assert 1 <= len(await engine.candidates(PROMPT, LIMITS, 2)) <= 2


async def test_an_engine_still_answers_after_a_closed_generator_and_a_cancelled_call(
    engine: Engine,
) -> None:
    async with aclosing(engine.generate(PROMPT, LONG)) as pieces:
        await anext(pieces)
    asking = asyncio.ensure_future(engine.score(PROMPT, ["x"]))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await generated(engine)


async def test_starting_twice_changes_nothing(engine: Engine) -> None:
    engine.start()
    assert engine.state.phase is Phase.READY
    assert await generated(engine)


async def test_closing_ends_running_requests(engine: Engine) -> None:
    pieces = engine.generate(PROMPT, LONG)
    await anext(pieces)
    await engine.close()
    with pytest.raises(EngineCrashed):
        async for _ in pieces:
            pass


@pytest.mark.parametrize("verb", VERBS)
async def test_a_closed_engine_raises_an_error(engine: Engine, verb: str) -> None:
    await engine.close()
    await engine.close()
    assert engine.state.phase is Phase.FAILED
    with pytest.raises(EngineFailed):
        await VERBS[verb](engine)
    with pytest.raises(EngineFailed):
        await engine.ready()
    with pytest.raises(EngineFailed):
        await engine.measured()


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_does_not_wait_for_the_model(
    tiny_starcoder2: Path, verb: str
) -> None:
    engine = made("llama", tiny_starcoder2)
    with pytest.raises(EngineNotReady):
        await VERBS[verb](engine)
    engine.start()
    with pytest.raises(EngineNotReady):
        await VERBS[verb](engine)
    await engine.close()


async def test_an_engine_may_lack_verbs() -> None:
    engine = ScriptedEngine(["x"])
    engine.unsupported = {"candidates", "score", "count_tokens"}
    assert await engine.candidates(PROMPT, LIMITS, 3) == []
    with pytest.raises(EngineUnsupported):
        await engine.score(PROMPT, ["x"])
    with pytest.raises(EngineUnsupported):
        await engine.count_tokens(["x"])
