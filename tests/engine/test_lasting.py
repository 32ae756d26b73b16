"""What of an engine outlives its process, with real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from starcoder_lsp import paths
from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.llama.wire import Load
from starcoder_lsp.flow import Limits, Piece, Prompt, Text
from starcoder_lsp.link import RestartPolicy

PROMPT = Prompt((Text("def f(x):\n    return "),))
LIMITS = Limits(max_tokens=6, time_budget_ms=60_000)
MakeEngine = Callable[..., LlamaEngine]


@pytest.fixture
async def make_engine(tiny_starcoder2: Path) -> AsyncIterator[MakeEngine]:
    engines: list[LlamaEngine] = []

    def make(**load: object) -> LlamaEngine:
        fields = {"family": "starcoder2", "n_context": 1024, **load}
        engine = LlamaEngine(
            Load(str(tiny_starcoder2), **fields),  # type: ignore[arg-type]  # checked by Load
            policy=RestartPolicy(max_crashes=1),
        )
        engine.start()
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        await engine.close()


async def asked(engine: LlamaEngine, prompt: Prompt = PROMPT) -> list[Piece]:
    async with aclosing(engine.generate(prompt, LIMITS)) as pieces:
        return [piece async for piece in pieces]


def said(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


async def test_the_speed_is_measured_once_and_remembered(
    make_engine: MakeEngine,
) -> None:
    first = make_engine()
    measured = await first.measured()
    assert measured.prefill_tokens_per_s > measured.decode_tokens_per_s > 0
    assert (paths.cache_dir() / "engine" / "speeds.json").is_file()
    assert await make_engine().measured() == measured


async def test_another_context_type_is_another_speed(
    make_engine: MakeEngine, tiny_starcoder2: Path
) -> None:
    await make_engine().measured()
    speeds = paths.cache_dir() / "engine" / "speeds.json"
    before = speeds.read_text()
    await make_engine(n_threads=1).measured()
    assert speeds.read_text() != before


async def test_measuring_changes_no_answer(make_engine: MakeEngine) -> None:
    engine = make_engine()
    await engine.ready()
    early = said(await asked(engine))
    await engine.measured()
    assert said(await asked(engine)) == early
