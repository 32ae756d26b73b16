"""One engine process for several editors, with real processes and a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from starcoder_lsp.engines import Phase
from starcoder_lsp.engines.llama import rendezvous, shared_engine
from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.llama.messages import Load, load_frame
from starcoder_lsp.engines.llama.process.door import admit
from starcoder_lsp.engines.llama.process.inbox import Inbox
from starcoder_lsp.engines.llama.rendezvous import Rendezvous
from starcoder_lsp.engines.llama.shared_engine import SharedProcess
from starcoder_lsp.errors import EngineCrashed, EngineFailed, EngineYielded
from starcoder_lsp.flow import Limits, Prompt, Text
from starcoder_lsp.runtime import frames, paths
from starcoder_lsp.runtime.supervisor import RestartPolicy

PROMPT = Prompt((Text("def f(x):\n    return "),))
LIMITS = Limits(max_tokens=8, time_budget_ms=60_000)
LONG = Limits(max_tokens=700, time_budget_ms=600_000)
AT_ONCE = RestartPolicy(first_wait_s=0)
MakeEngine = Callable[..., LlamaEngine]


@pytest.fixture(autouse=True)
def short_runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A socket's name has to be short."""
    with tempfile.TemporaryDirectory(prefix="sl") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture
def load(tiny_starcoder2: Path) -> Load:
    # With this cache there is one kernel, so that a near tie is always decided alike.
    return Load(str(tiny_starcoder2), "starcoder2", 1024, kv_type="q8_0")


@pytest.fixture
async def make_engine(load: Load) -> AsyncIterator[MakeEngine]:
    engines: list[LlamaEngine] = []

    def make(wanted: Load = load) -> LlamaEngine:
        engine = LlamaEngine(wanted, connect=SharedProcess, policy=AT_ONCE)
        engine.start()
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        await engine.close()
    await gone(Rendezvous.of(load))


async def gone(place: Rendezvous) -> None:
    """Wait until the engine has left; it clears its files before it ends."""
    async with asyncio.timeout(30):
        while place.address.exists():
            await asyncio.sleep(0.05)


async def said(engine: LlamaEngine, prompt: Prompt = PROMPT) -> str:
    async with aclosing(engine.generate(prompt, LIMITS)) as pieces:
        return "".join([piece.text async for piece in pieces])


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_two_clients_share_one_process_which_outlives_the_first(
    make_engine: MakeEngine, load: Load
) -> None:
    one, other = make_engine(), make_engine()
    await asyncio.gather(one.ready(), other.ready())
    assert one.pid == other.pid
    assert one.pid is not None
    answers = list(await asyncio.gather(said(one), said(other)))
    assert answers[0] == answers[1] != ""
    await one.close()
    assert await said(other) == answers[0]
    pid = other.pid
    assert pid is not None
    await other.close()
    await gone(Rendezvous.of(load))
    while is_running(pid):
        await asyncio.sleep(0.05)


async def test_clients_with_other_settings_get_another_process(
    make_engine: MakeEngine, load: Load
) -> None:
    one = make_engine()
    wider = replace(load, n_context=2048)
    other = make_engine(wider)
    await asyncio.gather(one.ready(), other.ready())
    assert one.pid != other.pid
    await other.close()
    await gone(Rendezvous.of(wider))


async def test_ids_of_two_clients_are_not_confused(make_engine: MakeEngine) -> None:
    one, other = make_engine(), make_engine()
    await asyncio.gather(one.ready(), other.ready())
    theirs = Prompt((Text("import os\n\nclass "),))
    alone = [await said(one), await said(other, theirs)]
    assert alone[0] != alone[1]
    for _ in range(3):
        together = await asyncio.gather(said(one), said(other, theirs))
        assert list(together) == alone


async def test_the_work_of_a_client_that_leaves_is_stopped(
    make_engine: MakeEngine,
) -> None:
    one, other = make_engine(), make_engine()
    await asyncio.gather(one.ready(), other.ready())
    busy = one.generate(PROMPT, LONG)
    await anext(busy)
    waiting = asyncio.create_task(said(other))
    await one.close()
    assert await waiting
    with pytest.raises(EngineCrashed):
        async for _ in busy:
            pass


async def test_background_work_yields_to_another_editor(
    make_engine: MakeEngine,
) -> None:
    one, other = make_engine(), make_engine()
    await asyncio.gather(one.ready(), other.ready())
    ahead = one.generate(PROMPT, replace(LONG, yields=True))
    await anext(ahead)
    assert await said(other)
    with pytest.raises(EngineYielded):
        async for _ in ahead:
            pass
    assert await said(one)


async def test_both_clients_survive_a_crash(make_engine: MakeEngine) -> None:
    one, other = make_engine(), make_engine()
    await asyncio.gather(one.ready(), other.ready())
    answer, pid = await said(one), one.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while Phase.READY in (one.state.phase, other.state.phase):
        await asyncio.sleep(0.01)
    await asyncio.gather(one.ready(), other.ready())
    assert one.pid == other.pid != pid
    assert set(await asyncio.gather(said(one), said(other))) == {answer}


async def test_a_stopped_engine_that_nobody_waits_for_is_replaced(
    make_engine: MakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = make_engine()
    await idle.ready()
    stopped = idle.pid
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)
    monkeypatch.setattr(shared_engine, "GREETING_S", 0.5)
    newcomer = make_engine()
    await newcomer.ready()
    assert newcomer.pid != stopped
    assert not is_running(stopped)
    await idle.ready()
    assert await said(idle) == await said(newcomer) != ""


async def test_files_that_a_killed_engine_left_are_no_obstacle(
    make_engine: MakeEngine, load: Load
) -> None:
    place = Rendezvous.of(load)
    paths.runtime_dir().mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(place.address))
    place.new_token()
    engine = make_engine()
    await engine.ready()
    assert await said(engine)


async def test_only_the_user_can_reach_it(make_engine: MakeEngine, load: Load) -> None:
    await make_engine().ready()
    folder = paths.runtime_dir()
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {0o600}


async def test_a_client_without_the_token_is_refused(
    make_engine: MakeEngine, load: Load
) -> None:
    engine = make_engine()
    await engine.ready()
    hellos: list[frames.Frame] = [
        {"op": "hello", "token": "wrong"},
        {"op": "hello", "token": ["é"]},
        {"op": "hello"},
        {"op": "load"},
    ]
    refused = ["refused", None]
    for hello in hellos:
        assert await answers_to(hello, Rendezvous.of(load)) == refused
    # What it has not read all of may end the connection first.
    too_long = {"op": "hello", "token": "x" * 5000}
    answers = await answers_to(too_long, Rendezvous.of(load))
    assert answers == refused[: len(answers)]
    assert await said(engine)


async def answers_to(hello: frames.Frame, place: Rendezvous) -> list[str | None]:
    """Return the kinds of two answers, or of those before the connection broke."""
    reader, writer = await asyncio.open_unix_connection(place.address)
    writer.write(frames.encode(hello))
    answers: list[str | None] = []
    with contextlib.suppress(ConnectionError):
        for _ in range(2):
            answer = await frames.receive(reader)
            answers.append(answer["op"] if answer else None)
    writer.close()
    return answers


async def test_a_model_that_does_not_load_fails_for_all_and_leaves_no_process(
    make_engine: MakeEngine, tmp_path: Path
) -> None:
    broken = Load(str(tmp_path / "none.gguf"), "starcoder2", 1024)
    for engine in (make_engine(broken), make_engine(broken)):
        with pytest.raises(EngineFailed, match=r"none\.gguf: there is no such file"):
            await engine.ready()
    await gone(Rendezvous.of(broken))


async def test_a_folder_that_is_not_the_users_is_not_used(
    make_engine: MakeEngine, tmp_path: Path
) -> None:
    paths.runtime_dir().symlink_to(tmp_path)
    engine = make_engine()
    with pytest.raises(EngineFailed, match="shared_engine = false"):
        await engine.ready()
    paths.runtime_dir().unlink()


async def test_a_path_that_is_too_long_for_a_socket_is_an_error(
    make_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    engine = make_engine()
    with pytest.raises(EngineFailed, match="too long"):
        await engine.ready()


def test_a_client_that_connects_while_the_engine_ends_is_sent_away() -> None:
    inbox = Inbox()
    # What ends this process when the last client has left waits for ever.
    inbox.patience_s = 1e6
    last, theirs = socket.socketpair()
    admit(theirs, inbox)
    last.close()
    assert inbox.next() is None
    late, theirs = socket.socketpair()
    with late:
        admit(theirs, inbox)
        assert late.recv(100) == b""


def test_another_users_process_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert rendezvous.is_ours(ours)
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert not rendezvous.is_ours(ours)


async def joined(load: Load, words: bytes) -> bytes:
    """Everything that a client with the token hears that says so and hangs up."""
    place = Rendezvous.of(load)
    reader, writer = await asyncio.open_unix_connection(place.address)
    writer.write(frames.encode({"op": "hello", "token": place.token()}))
    welcome = await frames.receive(reader)
    assert welcome is not None
    assert welcome["op"] == "welcome"
    writer.write(words)
    writer.write_eof()
    heard = await reader.read()
    writer.close()
    return heard


@pytest.mark.parametrize(
    "words",
    [
        frames.encode({"op": "cancel"}),
        frames.encode({"op": "generate", "id": 1}),
        frames.encode({"op": "generate"}),
        frames.encode({"op": "load"}),
        b"\xff\xff\xff\xff",
    ],
)
async def test_a_client_that_sends_invalid_messages_harms_only_itself(
    make_engine: MakeEngine, load: Load, words: bytes
) -> None:
    engine = make_engine()
    await engine.ready()
    pid = engine.pid
    await joined(load, words)
    assert await said(engine)
    assert engine.pid == pid
    # The fixture waits for the engine to leave with its last client.


async def test_a_client_that_wants_another_model_is_sent_away(
    make_engine: MakeEngine, load: Load
) -> None:
    engine = make_engine()
    await engine.ready()
    other = load_frame(replace(load, path="/no/such/file"))
    assert await joined(load, frames.encode(other)) == b""
    assert await said(engine)
