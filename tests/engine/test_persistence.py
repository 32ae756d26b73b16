"""KV files and speeds outlive the engine's process; real processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.engines import Phase
from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.llama.messages import Load, Loaded
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.engines.llama.process.persistent_session import PersistentSession
from starcoder_lsp.errors import EngineCrashed, EngineNotReady
from starcoder_lsp.flow import Control, Limits, Piece, Prompt, Segment, Text, Usage
from starcoder_lsp.runtime import paths
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import RestartPolicy

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


async def test_an_idle_engine_releases_its_memory_and_starts_again(
    tiny_starcoder2: Path,
) -> None:
    states: list[Phase] = []
    time_is_over = asyncio.Event()
    now = 0.0

    async def sleep(_seconds: float) -> None:
        nonlocal now
        await time_is_over.wait()
        now = 1e6

    engine = LlamaEngine(
        Load(str(tiny_starcoder2), "starcoder2", 1024),
        on_state=lambda state: states.append(state.phase),
        policy=RestartPolicy(max_crashes=1),
        idle_s=1800,
        clock=lambda: now,
        sleep=sleep,
    )
    engine.start()
    await engine.ready()
    answer = said(await asked(engine))
    time_is_over.set()
    while engine.pid is not None:
        await asyncio.sleep(0.01)
    assert engine.state.phase is Phase.SLEEPING
    time_is_over.clear()
    with pytest.raises(EngineNotReady):
        await asked(engine)
    await engine.ready()
    assert said(await asked(engine)) == answer
    assert Phase.RESTARTING not in states
    await engine.close()


class Line:
    """A process that says what a test tells it to."""

    pid = None

    def __init__(self, _load: Load, **callbacks: Any) -> None:
        self.hear, self.is_gone = callbacks["on_frame"], callbacks["on_exit"]

    def start(self) -> None: ...

    def retire(self) -> None: ...

    async def close(self) -> None: ...

    def send(self, frame: Frame) -> None:
        ended = Piece("", Usage(finish_reason="length"))
        self.hear(messages.piece_frame(frame["id"], ended))


class IdleTime:
    """Half an hour of idleness that passes at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self._wakes = asyncio.Event()

    def engine(self, connect: type[Line]) -> LlamaEngine:
        return LlamaEngine(
            Load("model.gguf", "starcoder2", 1024),
            connect=connect,  # type: ignore[arg-type]  # as much of a link as is used
            idle_s=1800,
            clock=lambda: self.now,
            sleep=self._sleep,
        )

    async def pass_by(self) -> None:
        self.now = 1800.0
        self._wakes.set()
        for _ in range(10):
            await asyncio.sleep(0)

    async def _sleep(self, _seconds: float) -> None:
        await self._wakes.wait()
        await asyncio.sleep(0)


async def test_reading_ahead_does_not_keep_an_engine_loaded() -> None:
    idle_time = IdleTime()
    engine = idle_time.engine(Line)
    engine._receive(messages.ready_frame(Loaded("build", 1024, 1, "f16")))
    idle_time.now = 1700.0
    async with aclosing(engine.generate(PROMPT, Limits(max_tokens=0))) as pieces:
        assert [piece.text async for piece in pieces] == [""]
    await idle_time.pass_by()
    assert engine.state.phase is Phase.SLEEPING


class DeadLine(Line):
    """A process that dies of every request."""

    def send(self, frame: Frame) -> None:
        self.is_gone(False)


async def test_requests_lost_in_a_crash_do_not_keep_an_engine_loaded() -> None:
    idle_time = IdleTime()
    engine = idle_time.engine(DeadLine)
    ready = messages.ready_frame(Loaded("build", 1024, 1, "f16"))
    engine._receive(ready)
    with pytest.raises(EngineCrashed):
        await asked(engine)
    phases = [engine.state.phase]
    engine._receive(ready)
    await idle_time.pass_by()
    phases.append(engine.state.phase)
    assert phases == [Phase.RESTARTING, Phase.SLEEPING]


async def test_an_engine_wanted_while_it_unloads_starts_at_once(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine()
    await engine.ready()
    engine._fall_asleep()
    with pytest.raises(EngineNotReady):
        await asked(engine)
    await engine.ready()
    assert said(await asked(engine))


async def test_the_speed_is_measured_once_and_remembered(
    make_engine: MakeEngine,
) -> None:
    first = make_engine()
    measured = await first.measured()
    assert measured.prefill_tokens_per_s >= measured.decode_tokens_per_s > 0
    assert (paths.cache_dir() / "engine" / "speeds.json").is_file()
    remembered = await make_engine().measured()
    assert remembered.prefill_tokens_per_s >= measured.prefill_tokens_per_s


async def test_another_number_of_threads_has_a_speed_of_its_own(
    make_engine: MakeEngine,
) -> None:
    speeds = paths.cache_dir() / "engine" / "speeds.json"
    known = []
    for n_threads in (0, 1):
        engine = make_engine(n_threads=n_threads)
        await engine.measured()
        # A second process would write the same file at the same time.
        await engine.close()
        known.append(json.loads(speeds.read_text()).keys())
    assert len(known[1] - known[0]) == 1
    assert known[0] < known[1]


async def test_measuring_does_not_change_answers(make_engine: MakeEngine) -> None:
    engine = make_engine()
    await engine.ready()
    early = said(await asked(engine))
    await engine.measured()
    assert said(await asked(engine)) == early


READ = Prompt((Text("".join(f"value_{n} = {n * n}\n" for n in range(60)) + "def "),))
KEPT = {"kv_cache_bytes": 8 << 20}
# The last line of READ is read again: it was being typed.
N_TYPED = 2


def saved_states() -> list[Path]:
    folder = paths.cache_dir() / "engine" / "states"
    return sorted(folder.iterdir()) if folder.is_dir() else []


async def read_and_closed(engine: LlamaEngine) -> str:
    await engine.ready()
    text = said(await asked(engine, READ))
    await engine.close()
    return text


async def test_the_kv_cache_is_restored_in_the_next_session(
    make_engine: MakeEngine,
) -> None:
    fresh = await read_and_closed(make_engine(**KEPT))
    (path,) = saved_states()
    assert path.stat().st_mode & 0o777 == 0o600
    engine = make_engine(**KEPT)
    await engine.ready()
    pieces = await asked(engine, READ)
    assert said(pieces) == fresh
    assert pieces[-1].usage.evaluated_tokens == N_TYPED
    assert pieces[-1].usage.prompt_tokens > 300


async def test_the_kv_cache_is_restored_after_an_idle_unload(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(**KEPT)
    await engine.ready()
    fresh = said(await asked(engine, READ))
    engine._fall_asleep()
    engine.start()
    await engine.ready()
    pieces = await asked(engine, READ)
    assert said(pieces) == fresh
    assert pieces[-1].usage.evaluated_tokens == N_TYPED


async def test_only_as_much_is_saved_as_the_limit_allows(
    make_engine: MakeEngine,
) -> None:
    fresh = await read_and_closed(make_engine(kv_cache_bytes=100_000))
    (path,) = saved_states()
    assert path.stat().st_size < 100_000 + 4096
    engine = make_engine(kv_cache_bytes=100_000)
    await engine.ready()
    pieces = await asked(engine, READ)
    usage = pieces[-1].usage
    assert said(pieces) == fresh
    assert 1 < usage.evaluated_tokens < usage.prompt_tokens * 0.6


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
async def test_a_damaged_kv_file_is_deleted_without_harm(
    make_engine: MakeEngine, share: float
) -> None:
    fresh = await read_and_closed(make_engine(**KEPT))
    (path,) = saved_states()
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * share)] ^= 255
    path.write_bytes(raw)
    engine = make_engine(**KEPT)
    await engine.ready()
    assert saved_states() == []
    pieces = await asked(engine, READ)
    assert said(pieces) == fresh
    assert pieces[-1].usage.evaluated_tokens == pieces[-1].usage.prompt_tokens


async def test_other_settings_do_not_restore_the_kv_file(
    make_engine: MakeEngine,
) -> None:
    await read_and_closed(make_engine(**KEPT))
    engine = make_engine(**KEPT, n_context=2048)
    await engine.ready()
    usage = (await asked(engine, READ))[-1].usage
    assert usage.evaluated_tokens == usage.prompt_tokens
    assert len(saved_states()) == 1


async def test_nothing_is_written_if_saving_is_disabled(
    make_engine: MakeEngine,
) -> None:
    await read_and_closed(make_engine())
    assert saved_states() == []


LINES = "".join(f"value_{n} = {n * n}\n" for n in range(60))
FORMS_OF_LINE: dict[str, tuple[Segment, ...]] = {
    "suffix first": (Text("# after\n", "end"), Control("<fim_middle>"), Text(f"{LINES}pin = 'hun", "start")),
    "prefix first": (Text(f"{LINES}pin = 'hun", "start"), Control("<fim_suffix>"), Text("ter'\n# after\n", "end")),
    "beside a mark": (Text(f"{LINES}a = '", "start"), Control("<KEY>", "start"), Text("', pin = 'hun", "start")),
    "prefix only": (Text(f"{LINES}pin = 'hun"),),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS_OF_LINE)
def test_the_line_that_is_typed_is_not_saved(form: str, tiny_starcoder2: Path) -> None:
    library.set_up()
    model = LlamaModel(tiny_starcoder2)
    session = PersistentSession(model, n_context=1024, n_threads=1)
    list(session.generate(Prompt(FORMS_OF_LINE[form]), LIMITS, lambda: False))
    tokens, _state = session.state(1 << 24)
    saved = b"".join(map(model.vocabulary.bytes_of, tokens)).decode()
    assert saved.endswith(LINES)


def test_measuring_keeps_the_caches_of_all_documents(tiny_starcoder2: Path) -> None:
    library.set_up()
    session = PersistentSession(
        LlamaModel(tiny_starcoder2), n_context=1024, n_threads=1, n_slots=1
    )

    def evaluated() -> int:
        pieces = list(session.generate(READ, LIMITS, lambda: False))
        return pieces[-1].usage.evaluated_tokens

    assert evaluated() > 300
    assert session.measure(lambda: False) is not None
    assert evaluated() == 1
    assert session.measure(lambda: True) is None
    assert evaluated() == 1


def test_a_request_stopped_at_its_start_is_not_saved(
    tiny_starcoder2: Path,
) -> None:
    library.set_up()
    session = PersistentSession(
        LlamaModel(tiny_starcoder2), n_context=1024, n_threads=1
    )
    list(session.generate(READ, LIMITS, lambda: False))
    list(session.generate(PROMPT, LIMITS, lambda: True))
    tokens, _state = session.state(1 << 24)
    assert len(tokens) > 300


def test_a_pending_copy_of_a_cache_is_made_before_saving(
    tiny_starcoder2: Path,
) -> None:
    library.set_up()
    model = LlamaModel(tiny_starcoder2)

    def session() -> PersistentSession:
        return PersistentSession(model, n_context=2048, n_threads=1)

    def said_to(session: PersistentSession, text: str, *, stops: bool = False) -> str:
        (before,) = READ.segments
        prompt = Prompt((before, Text(text)))
        return said(list(session.generate(prompt, LIMITS, lambda: stops)))

    older = session()
    said_to(older, "one(a):\n" + "x = 1\n" * 200)
    said_to(older, "other():\n", stops=True)
    tokens, state = older.state(1 << 24)
    newer = session()
    assert newer.restore(tokens, memoryview(state))
    assert said_to(newer, "other():\n") == said_to(session(), "other():\n")
