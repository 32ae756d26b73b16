"""Processes that stand in for an engine: loads that hang or are slow, slow saving."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.engines import EngineState, Phase
from starcoder_lsp.engines.llama import client
from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.errors import EngineFailed
from starcoder_lsp.runtime import child, supervisor
from starcoder_lsp.runtime.child import Child
from starcoder_lsp.runtime.supervisor import RestartPolicy, Supervisor

HEADER = """
    import os, pathlib, signal, sys, time
    from starcoder_lsp.engines.llama import messages
    from starcoder_lsp.runtime import frames
    def say(frame):
        sys.stdout.buffer.write(frames.encode(frame)); sys.stdout.buffer.flush()
    def hear(): return frames.read(sys.stdin.buffer)
    def ready(): say(messages.ready_frame(messages.Loaded("build", 1024, 1, "f16")))
    hear()  # load
"""
HANGS_ONCE = """
    say(messages.loading_frame(0.3))
    mark = pathlib.Path({mark!r})
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    ready(); hear()
"""
HANGS = "say(messages.loading_frame(0.3)); os.kill(os.getpid(), signal.SIGSTOP)"
IS_SLOW = """
    for _ in range(12):
        say(messages.loading_frame(0.3)); time.sleep(0.3)
    ready(); hear()
"""
SAVES_SLOWLY = """
    ready(); hear()
    say(messages.saving_frame(60)); time.sleep(1.0)
    pathlib.Path({mark!r}).touch()
"""
Make = Callable[..., LlamaEngine]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    engines: list[LlamaEngine] = []

    def make(program: str, **more: Any) -> LlamaEngine:
        mark = str(tmp_path / "mark")
        body = textwrap.dedent(program.replace("{mark!r}", repr(mark)))
        source = textwrap.dedent(HEADER) + body

        def connect(_load: Load, *, log_level: str, **callbacks: Any) -> Supervisor:
            return Child([sys.executable, "-c", source], **callbacks)

        load = Load("/models/model.gguf", "starcoder2", 1024)
        engine = LlamaEngine(load, connect=connect, **more)
        engine.start()
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        await engine.close()


async def test_a_load_that_hangs_is_started_again_with_a_message(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LOAD_PATIENCE_S", 2.0)
    states: list[EngineState] = []
    policy = RestartPolicy(first_wait_s=0)
    engine = make(HANGS_ONCE, on_state=states.append, policy=policy)
    await engine.ready()
    messages = {one.message for one in states if one.phase is Phase.RESTARTING}
    assert len(messages) == 1
    assert "loading /models/model.gguf makes no progress" in messages.pop()


async def test_a_load_that_always_hangs_is_given_up_with_the_reason(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly: hangs of a minute each are too rare to count as crashes."""
    monkeypatch.setattr(client, "LOAD_PATIENCE_S", 1.0)
    states: list[Phase] = []
    too_rare = RestartPolicy(window_s=0.001, first_wait_s=0)
    engine = make(HANGS, policy=too_rare, on_state=lambda one: states.append(one.phase))
    with pytest.raises(EngineFailed, match="makes no progress"):
        await engine.ready()
    assert states.count(Phase.LOADING) == client.MAX_HUNG_LOADS
    while engine.pid is not None:
        await asyncio.sleep(0.01)


async def test_a_slow_load_that_makes_progress_lives_on(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "LOAD_PATIENCE_S", 3.0)
    states: list[Phase] = []
    engine = make(IS_SLOW, on_state=lambda state: states.append(state.phase))
    await engine.ready()
    assert Phase.RESTARTING not in states


async def test_an_engine_that_says_it_saves_gets_the_time_it_names(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supervisor, "END_GRACE_S", 0.5)
    monkeypatch.setattr(child, "CLOSE_GRACE_S", 0.0)
    engine = make(SAVES_SLOWLY)
    await engine.ready()
    await engine.close()
    assert (tmp_path / "mark").exists()
    assert engine.state.phase is Phase.FAILED


async def test_an_engine_that_falls_asleep_may_save_too(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supervisor, "END_GRACE_S", 0.5)
    engine = make(SAVES_SLOWLY)
    await engine.ready()
    engine._fall_asleep()
    while engine.pid is not None:
        await asyncio.sleep(0.01)
    assert (tmp_path / "mark").exists()
    assert engine.state.phase is Phase.SLEEPING
