"""The engine's child process: loading, crashes, hangs, and files that are not models."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
import random_model

from starcoder_lsp.engines import EngineState, Phase
from starcoder_lsp.engines.llama import connection, pending
from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.llama.machine.gguf import read_header
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.engines.llama.native import devices, library
from starcoder_lsp.engines.llama.process import loading
from starcoder_lsp.engines.llama.process.speeds import Speeds
from starcoder_lsp.errors import EngineCrashed, EngineFailed, EngineNotReady
from starcoder_lsp.flow import Control, Limits, Prompt, Text
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import RestartPolicy

LIMITS = Limits(max_tokens=200, time_budget_ms=60_000)
PROMPT = Prompt((Text("def f(x):\n    return"),))
ONCE = RestartPolicy(max_crashes=1)

MakeEngine = Callable[..., LlamaEngine]


@pytest.fixture
async def make_engine(tiny_starcoder2: Path) -> AsyncIterator[MakeEngine]:
    engines: list[LlamaEngine] = []

    def make(
        path: Path = tiny_starcoder2, policy: RestartPolicy = ONCE, **load: object
    ) -> LlamaEngine:
        fields = {"family": "starcoder2", "n_context": 1024, **load}
        engine = LlamaEngine(Load(str(path), **fields), policy=policy)  # type: ignore[arg-type]  # checked by Load
        engine.start()
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        await engine.close()


def ends_of(engine: LlamaEngine) -> list[str]:
    """Why the child's generations end, one by one, also of those nobody hears."""
    ends: list[str] = []
    receive = engine._receive

    def record(frame: Frame) -> None:
        if reason := frame.get("finish_reason"):
            ends.append(reason)
        receive(frame)

    engine._process._on_frame = record
    return ends


async def said(engine: LlamaEngine, prompt: Prompt = PROMPT) -> str:
    async with aclosing(engine.generate(prompt, LIMITS)) as pieces:
        return "".join([piece.text async for piece in pieces])


async def test_a_model_loads_and_answers(make_engine: MakeEngine) -> None:
    engine = make_engine()
    await engine.ready()
    text = await said(engine)
    assert text
    assert await said(engine) == text


async def test_a_request_before_the_model_is_loaded_is_refused_at_once(
    make_engine: MakeEngine,
) -> None:
    with pytest.raises(EngineNotReady):
        await said(make_engine())


async def test_two_simultaneous_requests_both_get_their_answers(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    await engine.ready()
    alone = await said(engine)
    first, second = await asyncio.gather(said(engine), said(engine))
    assert first == second == alone != ""


async def test_closing_the_stream_stops_the_model(make_engine: MakeEngine) -> None:
    engine = make_engine()
    await engine.ready()
    long = Limits(max_tokens=700, time_budget_ms=600_000)
    ends = ends_of(engine)
    async with aclosing(engine.generate(PROMPT, long)) as pieces:
        first = await anext(pieces)
    assert first.usage.finish_reason is None
    await said(engine)  # answered after the first
    assert ends[0] == "cancelled"
    assert len(ends) == 2


async def test_a_cancel_inside_the_prefill_stops_it_too(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(n_context=16000)
    await engine.ready()
    ends = ends_of(engine)
    long = Prompt((Text("x = 1\n" * 5000, "start"),))
    stream = engine.generate(long, LIMITS)
    asking = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await said(engine)
    assert ends[0] == "cancelled"


async def test_a_hang_is_noticed_while_requests_come_and_go(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "HANG_GRACE_S", 0.3)
    engine = make_engine(policy=RestartPolicy(first_wait_s=0))
    await engine.ready()
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    while engine.state.phase is Phase.READY:
        with contextlib.suppress(TimeoutError, EngineCrashed):
            async with asyncio.timeout(0.1):
                await anext(engine.generate(PROMPT, Limits(5, time_budget_ms=0)))
    await engine.ready()


async def test_an_engine_that_could_not_load_is_not_started_again(
    make_engine: MakeEngine, tmp_path: Path
) -> None:
    engine = make_engine(tmp_path / "none.gguf", RestartPolicy(first_wait_s=0))
    with pytest.raises(EngineFailed):
        await engine.ready()
    while engine.pid is not None:
        await asyncio.sleep(0.01)
    assert engine.state.phase is Phase.FAILED


async def test_a_killed_engine_fails_its_requests_and_starts_again(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(policy=RestartPolicy(first_wait_s=0))
    await engine.ready()
    stream = engine.generate(PROMPT, Limits(700, 600_000))
    await anext(stream)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineCrashed):
        async for _ in stream:
            pass
    await engine.ready()
    assert await said(engine)


async def test_an_engine_that_keeps_crashing_is_given_up_with_a_message(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(policy=RestartPolicy(max_crashes=3, first_wait_s=0))
    for _ in range(3):
        await engine.ready()
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGABRT)
        while engine.state.phase is Phase.READY:
            await asyncio.sleep(0.01)
    with pytest.raises(EngineFailed, match="keeps dying"):
        await engine.ready()


async def test_an_engine_that_hangs_is_replaced(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "HANG_GRACE_S", 0.2)
    engine = make_engine(policy=RestartPolicy(first_wait_s=0))
    await engine.ready()
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    with pytest.raises(EngineCrashed, match="hangs"):
        async for _ in engine.generate(PROMPT, Limits(5, time_budget_ms=0)):
            pass
    while engine.state.phase is Phase.READY:
        await asyncio.sleep(0.01)
    await engine.ready()


async def test_states_are_reported_in_order(tiny_starcoder2: Path) -> None:
    states: list[EngineState] = []
    load = Load(str(tiny_starcoder2), "starcoder2", 512)
    engine = LlamaEngine(load, on_state=states.append)
    engine.start()
    await engine.ready()
    await engine.close()
    phases = list(dict.fromkeys(state.phase for state in states))
    assert phases == [Phase.STARTING, Phase.LOADING, Phase.READY]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def failure(engine: LlamaEngine) -> str:
    with pytest.raises(EngineFailed) as caught:
        await engine.ready()
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"GGUF", "cut short"),
        (b"<!DOCTYPE html><p>Sign in", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"\x80\x02}q\x00.", "pickle"),
        (b"PK\x03\x04....", "zip"),
        (b"GGUF\x63\0\0\0" + bytes(16), "version 99"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16, "header entries"),
    ],
)
async def test_the_error_names_a_file_that_is_not_a_model(
    make_engine: MakeEngine, tmp_path: Path, content: bytes, reason: str
) -> None:
    path = write(tmp_path / "model.gguf", content)
    message = await failure(make_engine(path))
    assert str(path) in message
    assert reason in message


async def test_the_error_names_a_missing_file_or_a_directory(
    make_engine: MakeEngine, tmp_path: Path
) -> None:
    assert "no such file" in await failure(make_engine(tmp_path / "none.gguf"))
    assert "is a folder" in await failure(make_engine(tmp_path))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
async def test_the_error_names_a_truncated_model(
    make_engine: MakeEngine, tiny_starcoder2: Path, tmp_path: Path, share: float
) -> None:
    whole = tiny_starcoder2.read_bytes()
    path = write(tmp_path / "cut.gguf", whole[: int(len(whole) * share)])
    assert await failure(make_engine(path)) == f"{path} is cut short: get it again"


@pytest.mark.parametrize("n_blocks", [0, 600, 2**31])
async def test_a_header_that_would_abort_llama_cpp_is_refused_before(
    make_engine: MakeEngine, tiny_starcoder2: Path, tmp_path: Path, n_blocks: int
) -> None:
    whole = tiny_starcoder2.read_bytes()
    key = b"starcoder2.block_count\x04\0\0\0"
    assert whole.count(key) == 1
    at = whole.index(key) + len(key)
    path = write(
        tmp_path / "patched.gguf",
        whole[:at] + n_blocks.to_bytes(4, "little") + whole[at + 4 :],
    )
    assert f"{n_blocks} layers" in await failure(make_engine(path))


@pytest.mark.parametrize("weight", [0.0, float("nan")])
async def test_the_error_names_a_model_whose_weights_are_not_numbers(
    make_engine: MakeEngine, tmp_path: Path, weight: float
) -> None:
    path = tmp_path / "damaged.gguf"
    random_model.write(path, weight=weight)
    engine = make_engine(path)
    await engine.ready()
    for _ in range(2):
        with pytest.raises(EngineFailed, match=f"{path} computes no numbers"):
            await said(engine)


CHANGES: dict[str, Callable[[Path], object]] = {
    "unlinked": Path.unlink,
    "replaced": lambda path: write(path.with_name("new"), b"GGUF").replace(path),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_loaded_model_outlives_its_file(
    make_engine: MakeEngine, tiny_starcoder2: Path, tmp_path: Path, change: str
) -> None:
    path = write(tmp_path / "model.gguf", tiny_starcoder2.read_bytes())
    engine = make_engine(path)
    await engine.ready()
    CHANGES[change](path)
    assert await said(engine)


async def test_the_error_names_a_model_that_was_truncated_while_in_use(
    make_engine: MakeEngine, tiny_starcoder2: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "model.gguf", tiny_starcoder2.read_bytes())
    engine = make_engine(path, RestartPolicy(first_wait_s=0))
    await engine.ready()
    os.truncate(path, 1 << 20)
    with pytest.raises(EngineCrashed):
        await said(engine)
    assert str(path) in await failure(engine)


async def test_a_model_of_another_family_is_refused(
    make_engine: MakeEngine, smollm2: Path
) -> None:
    message = await failure(make_engine(smollm2, controls=("<fim_prefix>",)))
    assert "<fim_prefix>" in message
    assert "starcoder2" in message


async def test_a_context_that_memory_cannot_hold_is_refused(
    make_engine: MakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    smollm2: Path,
) -> None:
    limited = tmp_path / "limited.py"
    limited.write_text(
        "import resource, runpy, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (560 << 20, 560 << 20))\n"
        "sys.argv = ['host']\n"
        "runpy.run_module('starcoder_lsp.engines.llama.process.host', run_name='__main__')\n"
    )
    monkeypatch.setattr(
        connection, "python_module", lambda *_: [sys.executable, "-P", str(limited)]
    )
    message = await failure(make_engine(smollm2, n_context=8000, n_threads=1))
    assert "memory" in message
    assert "a smaller model" in message


async def test_a_quantized_cache_answers_as_well(
    make_engine: MakeEngine, smollm2: Path
) -> None:
    engine = make_engine(smollm2, kv_type="q8_0")
    await engine.ready()
    loaded = engine.loaded
    assert loaded is not None
    assert (loaded.kv_type, loaded.n_slots, loaded.n_context) == ("q8_0", 3, 1024)
    text = await said(engine, Prompt((Text("def add(a, b):\n    return a +"),)))
    assert text.startswith(" b")


async def test_gpu_layers_without_a_gpu_build_lead_to_a_note(
    make_engine: MakeEngine,
) -> None:
    report = await make_engine(n_gpu_layers=9).ready()
    assert "on the CPU" in report.summary
    assert "computes on the CPU only" in report.notes[0]


@pytest.mark.parametrize(("wanted", "n_notes"), [(9, 1), (-1, 1), (0, 0), (None, 0)])
def test_gpu_layers_without_a_gpu_lead_to_a_note(
    tiny_starcoder2: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wanted: int | None,
    n_notes: int,
) -> None:
    monkeypatch.setattr(library, "supports_gpu", lambda: True)
    monkeypatch.setattr(devices, "devices", list)
    load = Load(str(tiny_starcoder2), "starcoder2", 1024, n_gpu_layers=wanted)
    _session, plan = loading.open_session(
        load,
        read_header(tiny_starcoder2),
        lambda share: None,
        Speeds(tmp_path / "speeds.json"),
    )
    assert plan.n_gpu_layers == 0
    assert ["sees no GPU" in note for note in plan.notes] == [True] * n_notes


async def test_an_error_inside_a_request_fails_only_that_request(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    await engine.ready()
    with pytest.raises(EngineCrashed, match="<nonsense>"):
        await said(engine, Prompt((Control("<nonsense>"),)))
    assert await said(engine)


async def test_candidates_differ_and_the_likeliest_comes_first(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    await engine.ready()
    candidates = await engine.candidates(PROMPT, Limits(6, 60_000), 3)
    texts = [candidate.text for candidate in candidates]
    assert len(set(texts)) == 3
    likely = [candidate.log_probability for candidate in candidates]
    assert likely == sorted(likely, reverse=True)


async def test_a_likely_text_scores_higher(make_engine: MakeEngine) -> None:
    engine = make_engine()
    await engine.ready()
    greedy = (await engine.candidates(PROMPT, Limits(1, 60_000), 1))[0].text
    likely, unlikely = await engine.score(PROMPT, [greedy, "zyzzy"])
    assert likely.n_tokens < unlikely.n_tokens
    assert 0 > likely.log_probability > unlikely.log_probability


async def test_tokens_are_counted(make_engine: MakeEngine) -> None:
    engine = make_engine()
    await engine.ready()
    assert await engine.count_tokens(["", "x", "x = 1\n"]) == [0, 1, 5]


async def test_a_prefill_alone_makes_the_next_request_cheap(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    await engine.ready()
    [read] = [piece async for piece in engine.generate(PROMPT, Limits(0, 60_000))]
    assert read.text == ""
    assert read.usage.evaluated_tokens == read.usage.prompt_tokens > 1
    pieces = [piece async for piece in engine.generate(PROMPT, LIMITS)]
    assert {piece.usage.evaluated_tokens for piece in pieces} == {1}


Verb = Callable[[LlamaEngine], Awaitable[object]]
VERBS: dict[str, Verb] = {
    "candidates": lambda engine: engine.candidates(PROMPT, Limits(700, 600_000), 3),
    "score": lambda engine: engine.score(PROMPT, ["x = 1\n" * 100] * 100),
    "count_tokens": lambda engine: engine.count_tokens(["x = 1\n" * 20_000] * 20),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_every_operation_works_again_after_a_crash_and_a_cancel(
    make_engine: MakeEngine, verb: str
) -> None:
    engine = make_engine(policy=RestartPolicy(first_wait_s=0))
    await engine.ready()
    asking = asyncio.ensure_future(VERBS[verb](engine))
    await asyncio.sleep(0)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineCrashed):
        await asking
    await engine.ready()
    asking = asyncio.ensure_future(VERBS[verb](engine))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await said(engine)
