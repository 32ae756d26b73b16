"""How a remote engine finds its server, loses it, and finds it again."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import dialects as speak
import pytest
from http_server import Reply, reply, serving
from remote_bench import LIMITS, PROMPT, Bench, Open, benches

from starcoder_lsp.engines import EngineState, Phase, Speed
from starcoder_lsp.engines.remote import affinity, first_use
from starcoder_lsp.engines.remote.dialect import dialects
from starcoder_lsp.engines.remote.link import FIRST_WAIT_S, LONGEST_WAIT_S, SELDOM_S
from starcoder_lsp.errors import EngineCrashed, EngineFailed, EngineNotReady


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    async with benches() as open_bench:
        yield open_bench


every_dialect = pytest.mark.parametrize("name", speak.NAMES)
# A server that lists its models is asked before it is used.
that_lists = pytest.mark.parametrize(
    "name", ["llama-server", "vllm", "sglang", "openai", "mistral"]
)


@every_dialect
async def test_an_engine_connects_and_tells_what_it_found(
    opened: Open, name: str
) -> None:
    bench = await opened(name)
    report = await bench.engine.ready()
    assert bench.server.address in report.summary
    assert [state.phase for state in bench.states] == [Phase.STARTING, Phase.READY]
    assert bench.server.address in bench.states[0].message
    assert bench.engine.state.n_prompt_tokens == speak.N_CONTEXT - 96 - 1


@pytest.mark.parametrize("name", ["llama-server", "vllm", "sglang"])
async def test_the_context_is_as_large_as_the_server_says(
    opened: Open, name: str
) -> None:
    models = {
        "data": [{"id": speak.MODEL, "max_model_len": 2000, "meta": {"n_ctx": 2000}}]
    }
    bench = await opened(name, {"/v1/models": reply(200, models)})
    await bench.engine.ready()
    assert bench.engine.state.n_prompt_tokens == 2000 - 96 - 1


@that_lists
async def test_a_server_that_loads_is_asked_again_until_it_is_ready(
    opened: Open, name: str
) -> None:
    loading = reply(503, {"error": {"message": "Loading model", "code": 503}})
    bench = await opened(name, {"/health": loading, "/v1/models": loading})
    state = await bench.reaches(Phase.LOADING)
    assert "the server loads its model; next try in" in state.message
    with pytest.raises(EngineNotReady):
        await bench.pieces()
    bench.server.answers |= speak.answers_of(name)
    bench.waits.end_one()
    await bench.reaches(Phase.READY)
    assert await bench.text() == "a b"


async def test_waits_grow_and_follow_what_the_server_asks_for(opened: Open) -> None:
    busy = reply(429, {}, retry_after="77")
    bench = await opened("vllm", {"/health": reply(503, {"error": "full"})})
    for n in range(1, 8):
        while len(bench.waits.seconds) < n:
            await asyncio.sleep(0)
        if n == 7:
            bench.server.answers["/health"] = busy
        bench.waits.end_one()
    while len(bench.waits.seconds) < 8:
        await asyncio.sleep(0)
    *growing, asked = bench.waits.seconds
    usual = [FIRST_WAIT_S * 2**n for n in range(5)] + [LONGEST_WAIT_S] * 2
    for wait, least in zip(growing, usual, strict=True):
        assert least <= wait <= least * 1.25
    assert asked == 77


async def test_nothing_listens_and_then_a_server_does(tmp_path: Path) -> None:
    async with serving({}) as gone:
        port = int(gone.address.rpartition(":")[2])
    bench = Bench(gone, speak.defined("vllm", gone.address))
    bench.engine.start()
    state = await bench.reaches(Phase.RESTARTING)
    assert f"no server answers at {gone.address}" in state.message
    async with serving(speak.answers_of("vllm"), port=port):
        bench.waits.end_one()
        await bench.reaches(Phase.READY)
        assert await bench.text() == "a b"
        await bench.engine.close()


async def test_a_server_that_goes_in_the_middle_of_a_text_is_found_again(
    opened: Open,
) -> None:
    begun = speak.stream_of("vllm", ["x", "y"])[:1]
    bench = await opened("vllm")
    await bench.engine.ready()
    bench.server.answers["/v1/completions"] = Reply(200, begun, ends="hang")
    answer = bench.engine.generate(PROMPT, LIMITS)
    await anext(answer)
    bench.server.answers["/v1/completions"] = speak.streamed("vllm", ["back"])
    bench.server.drop_all()
    with pytest.raises(EngineCrashed):
        await anext(answer)
    if bench.engine.state.phase is not Phase.READY:
        bench.waits.end_one()
        await bench.reaches(Phase.READY)
    assert await bench.text() == "back"


@that_lists
async def test_a_model_that_the_server_lacks_is_named(opened: Open, name: str) -> None:
    models = {"data": [{"id": f"other-{n}", "owned_by": ""} for n in range(5)]}
    bench = await opened(name, {"/v1/models": reply(200, models)})
    if name == "llama-server":
        # It has one model, and answers for any name.
        await bench.engine.ready()
        return
    state = await bench.reaches(Phase.RESTARTING)
    assert (
        f"has no model {speak.MODEL}; it has other-0, other-1, other-2 and 2 more"
        in (state.message)
    )
    assert bench.waits.seconds[0] >= SELDOM_S


@pytest.mark.parametrize(
    ("kind", "real", "title"),
    [
        ("vllm", "llama-server", "llama-server"),
        ("llama-server", "vllm", "vLLM"),
        ("sglang", "vllm", "vLLM"),
        ("vllm", "sglang", "SGLang"),
    ],
)
async def test_a_server_of_another_kind_is_named(
    opened: Open, kind: str, real: str, title: str
) -> None:
    bench = await opened(kind, speak.answers_of(real))
    state = await bench.reaches(Phase.RESTARTING)
    assert f"it is {title} ({real}); change kind" in state.message


@that_lists
async def test_a_wrong_key_is_final(opened: Open, name: str) -> None:
    bench = await opened(name, {"/v1/models": reply(401, {"error": "Unauthorized"})})
    with pytest.raises(EngineFailed, match="refuses the key"):
        await bench.engine.ready()
    assert bench.engine.state.phase is Phase.FAILED
    assert not bench.waits.seconds


async def test_a_command_does_not_wait_for_a_person(opened: Open) -> None:
    models = reply(200, {"data": [{"id": "other"}]})
    bench = await opened("vllm", {"/v1/models": models}, gives_up=True)
    with pytest.raises(EngineFailed, match="has no model"):
        await bench.engine.ready()


@pytest.mark.parametrize(
    ("name", "field"),
    [("llama-server", "prompt"), ("vllm", "prompt"), ("sglang", "text")],
)
async def test_a_server_without_a_tokenizer_gets_text(
    opened: Open, name: str, field: str
) -> None:
    bench = await opened(name, {"/tokenize": reply(403)})
    report = await bench.engine.ready()
    assert "prompts are sent as text" in report.notes[0]
    await bench.text()
    (body,) = bench.server.bodies(dialects()[name].path)
    assert "input_ids" not in body
    assert body[field] == "<fim_prefix><fim_suffix>after<fim_middle>before"


@pytest.mark.parametrize(
    ("kind", "answers", "sent"),
    [
        ("vllm", {}, {"model": "mine"}),
        ("sglang", {}, {"lora_path": "mine"}),
        (
            "llama-server",
            {
                "/lora-adapters": reply(
                    200,
                    [{"id": 0, "path": "a.gguf"}, {"id": 1, "path": "/x/mine.gguf"}],
                )
            },
            {"lora": [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 1.0}]},
        ),
    ],
)
async def test_an_adapter_is_asked_for_as_each_server_wants(
    opened: Open, kind: str, answers: dict[str, Reply], sent: dict[str, object]
) -> None:
    models = {"data": [{"id": speak.MODEL}, {"id": "mine", "parent": speak.MODEL}]}
    bench = await opened(
        kind, {"/v1/models": reply(200, models), **answers}, adapter="mine"
    )
    await bench.engine.ready()
    await bench.text()
    body = bench.server.requests[-1].json
    assert {key: body[key] for key in sent} == sent


@pytest.mark.parametrize("kind", ["vllm", "llama-server"])
async def test_an_adapter_that_the_server_has_not_loaded_is_named(
    opened: Open, kind: str
) -> None:
    bench = await opened(kind, {"/lora-adapters": reply(200, [])}, adapter="mine")
    state = await bench.reaches(Phase.RESTARTING)
    assert "has not loaded the adapter mine" in state.message


async def test_names_that_a_server_tells_command_no_terminal(opened: Open) -> None:
    names = {"data": [{"id": "a\x1b[2J\nb"}]}
    bench = await opened("vllm", {"/v1/models": reply(200, names)})
    state = await bench.reaches(Phase.RESTARTING)
    assert r"it has a\x1b[2J\nb;" in state.message
    assert state.message.isprintable()


@pytest.mark.parametrize("path", ["/v1/models", "/props", "/lora-adapters"])
@pytest.mark.parametrize("answer", [5, "x", [5], {"data": 5}, {"data": [5]}])
async def test_a_server_that_answers_anything_is_found_or_named(
    opened: Open, path: str, answer: object
) -> None:
    bench = await opened("llama-server", {path: reply(200, answer)}, adapter="a")
    state = await bench.reaches(Phase.READY, Phase.RESTARTING)
    assert "does not speak as" in state.message or "the adapter a" in state.message


async def test_a_unix_socket_needs_no_network(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    async with serving(speak.answers_of("llama-server"), unix=path) as server:
        bench = Bench(server, speak.defined("llama-server", f"unix://{path}"))
        bench.engine.start()
        await bench.engine.ready()
        assert await bench.text() == "a b"
        await bench.engine.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate for 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run(
            [*command, "-out", str(made[0]), "-keyout", str(made[1])],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("needs openssl")
    return made


async def test_a_certificate_is_checked_and_an_own_authority_may_sign_it(
    certificate: tuple[Path, Path],
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    async with serving(speak.answers_of("vllm"), tls=tls) as server:
        stranger = Bench(server, speak.defined("vllm", server.address))
        stranger.engine.start()
        state = await stranger.reaches(Phase.RESTARTING)
        assert "cannot be verified: self-signed certificate" in state.message
        assert "set ca_file in [engines.work]" in state.message
        assert not server.requests
        await stranger.engine.close()
        trusted = speak.defined("vllm", server.address, ca_file=str(certificate[0]))
        bench = Bench(server, trusted)
        bench.engine.start()
        await bench.engine.ready()
        assert await bench.text() == "a b"
        await bench.engine.close()


@pytest.mark.parametrize("proxy", ["socks5://me:secret@h:1", "foo://me:secret@h:1"])
async def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setitem(sys.modules, "socksio", None)
    async with serving({}) as unused:
        bench = Bench(unused, speak.defined("vllm", "https://a.invalid"))
        bench.engine.start()
        state = await bench.reaches(Phase.RESTARTING)
        assert "HTTPS_PROXY or ALL_PROXY names cannot be used" in state.message
        assert "secret" not in state.message
        await bench.engine.close()


async def test_no_proxy_reads_what_is_not_encrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(speak.answers_of("vllm")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.address)
        server = speak.defined("vllm", "http://a.invalid", plain_http="a.invalid")
        bench = Bench(proxy, server)
        bench.engine.start()
        state = await bench.reaches(Phase.RESTARTING)
        assert "no server answers" in state.message
        assert not proxy.requests
        await bench.engine.close()


async def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    server = speak.defined(
        "vllm", "https://127.0.0.1:1", ca_file=str(tmp_path / "ca.pem")
    )
    async with serving({}) as unused:
        bench = Bench(unused, server)
        bench.engine.start()
        state = await bench.reaches(Phase.RESTARTING)
        assert f"{tmp_path}/ca.pem cannot be used" in state.message
        await bench.engine.close()


async def test_no_redirect_is_followed_and_the_key_does_not_travel(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORK_KEY", "k-travels")
    async with serving({"/health": reply(200), "/v1/completions": reply(200)}) as other:
        to_other = {"location": f"{other.address}/v1/completions"}
        bench = await opened("vllm", key_env="WORK_KEY")
        await bench.engine.ready()
        for status in (301, 302, 303, 307, 308):
            bench.server.answers["/v1/completions"] = Reply(status, headers=to_other)
            with pytest.raises(EngineCrashed, match="redirects are never followed"):
                await bench.pieces()
            bench.waits.end_one()
            await bench.reaches(Phase.READY)
        assert not other.requests
    assert all(
        one.headers.get("authorization") == "Bearer k-travels"
        for one in bench.server.requests
    )


async def test_cookies_are_not_kept(opened: Open) -> None:
    health = reply(200, {}, set_cookie="track=me")
    bench = await opened("vllm", {"/health": health})
    await bench.engine.ready()
    await bench.text()
    assert not any("cookie" in one.headers for one in bench.server.requests)


async def test_every_request_has_an_id_of_its_own_and_says_nothing_of_the_folder(
    opened: Open,
) -> None:
    bench = await opened("vllm")
    await bench.engine.ready()
    await bench.text()
    ids = [one.headers["x-request-id"] for one in bench.server.requests]
    assert len(set(ids)) == len(ids)
    sessions = {one.headers["x-session-id"] for one in bench.server.requests}
    assert sessions == {
        one.headers["x-smg-routing-key"] for one in bench.server.requests
    }
    assert len(sessions) == 1


def test_a_session_is_the_same_after_a_restart_and_another_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = affinity.headers(here)
    assert affinity.headers(here) == first != affinity.headers(there)
    assert "here" not in str(first)
    monkeypatch.setenv("STARCODER_LSP_DATA", str(tmp_path / "another installation"))
    assert affinity.headers(here) != first


def test_a_session_needs_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert affinity.headers(None) != affinity.headers(tmp_path)


def test_a_user_is_told_once_of_each_address_in_each_workspace(tmp_path: Path) -> None:
    one, other = (speak.defined("vllm", f"https://{host}.org") for host in "ab")
    here, there = tmp_path / "here", tmp_path / "there"
    told = [
        first_use.is_first(*row)
        for row in ((one, here), (one, here), (other, here), (one, there))
    ]
    assert told == [True, False, True, True]
    notice = first_use.notice(one, here, hides_secrets=True, shows_others=True)
    assert "https://a.org" in notice
    assert str(here) in notice


async def test_an_engine_that_was_closed_leaves_no_connection(opened: Open) -> None:
    bench = await opened("vllm")
    await bench.engine.ready()
    await bench.text()
    await bench.engine.close()
    await bench.server.until(lambda: bench.server.n_open == 0)
    assert bench.engine.state == EngineState(Phase.FAILED, "the engine was closed")


async def test_the_speed_is_learned_from_what_the_server_tells(opened: Open) -> None:
    timings = {
        "prompt_n": 1000,
        "prompt_ms": 500,
        "predicted_n": 21,
        "predicted_ms": 100,
    }
    event = {"content": "x", "tokens": [5000], "timings": timings}
    rows = speak._sse(
        [event, {**event, "stop": True, "stop_type": "limit"}], done=False
    )
    bench = await opened("llama-server", {"/completion": Reply(200, rows)})
    await bench.engine.ready()
    assert bench.engine.speed is None
    speed = await bench.engine.measured()
    assert isinstance(speed, Speed)
    assert speed.prefill_tokens_per_s == 2000
    assert speed.decode_tokens_per_s == 200
    assert speed.latency_s > 0


async def test_a_busy_server_is_left_alone_longer_each_time(opened: Open) -> None:
    bench = await opened("vllm")
    await bench.engine.ready()
    usual = bench.server.answers["/v1/completions"]
    bench.server.answers["/v1/completions"] = reply(503, {"error": "queue is full"})
    n_before = len(bench.server.requests)
    for n in range(1, 4):
        with pytest.raises(EngineCrashed, match="too many requests"):
            await bench.pieces()
        # It is not even probed.
        paths = [one.path for one in bench.server.requests[n_before:]]
        assert paths.count("/v1/completions") == n
        assert set(paths) <= {"/v1/completions", "/tokenize"}
        bench.waits.end_one()
        await bench.reaches(Phase.READY)
    first, second, third = bench.waits.seconds
    assert first < second < third
    bench.server.answers["/v1/completions"] = usual
    await bench.text()
    bench.server.answers["/v1/completions"] = reply(429)
    with pytest.raises(EngineCrashed):
        await bench.pieces()
    while len(bench.waits.seconds) < 4:
        await asyncio.sleep(0)
    assert bench.waits.seconds[-1] < second
