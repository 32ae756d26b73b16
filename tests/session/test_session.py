"""Whole sessions with a real server process and real models."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from conftest import StartServer
from lsp_client import PATIENCE_S, UNDERSTOOD, Client, engines_of

URI = "file:///project/fibonacci.py"
FIBONACCI = """def fibonacci(n):
    # The n-th Fibonacci number.
    if n < 2:
        return n
    return fibonacci(n - 1) + """
END = (4, 30)


async def opened(client: Client, text: str = FIBONACCI) -> Client:
    await client.initialize()
    client.open(URI, text)
    return client


async def test_a_real_model_completes_a_real_line(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    await opened(client)
    await client.until_ready()
    assert await client.complete(URI, *END) == ["fibonacci(n - 2)"]
    assert await client.shutdown() == 0


async def test_requests_before_the_model_is_ready_are_answered_null(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(await start_server("--model-path", str(smollm2)))
    _, answer = client.inline(URI, *END)
    assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None


async def test_a_newer_request_makes_the_answer_of_the_older_null(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(await start_server("--model-path", str(smollm2)))
    await client.until_ready()
    _, older = client.inline(URI, *END, explicit=False)
    _, newer = client.inline(URI, *END, explicit=False)
    assert (await asyncio.wait_for(older, PATIENCE_S))["result"] is None
    items = (await asyncio.wait_for(newer, PATIENCE_S))["result"]["items"]
    assert items[0]["insertText"] == "fibonacci(n - 2)"


async def test_a_cancelled_request_is_answered_as_cancelled_and_the_next_one_works(
    start_server: StartServer, smollm2: Path
) -> None:
    long = "import os\n" * 300 + FIBONACCI
    client = await opened(await start_server("--model-path", str(smollm2)), long)
    await client.until_ready()
    request_id, answer = client.inline(URI, 304, 30)
    client.notify("$/cancelRequest", {"id": request_id})
    error = (await asyncio.wait_for(answer, PATIENCE_S))["error"]
    assert error["code"] == -32800
    client.open(URI, FIBONACCI)
    assert await client.complete(URI, *END) == ["fibonacci(n - 2)"]


async def test_a_killed_engine_loses_one_completion(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(await start_server("--model-path", str(smollm2)))
    await client.until_ready()
    (engine,) = engines_of(client.process.pid)
    _, answer = client.inline(URI, *END)
    os.kill(engine, signal.SIGKILL)
    assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None
    await client.until_notified("didChangeStatus", kind="Warning")
    client.notifications.clear()
    await client.until_ready()
    assert await client.complete(URI, *END) == ["fibonacci(n - 2)"]


async def test_shutdown_during_a_request_is_clean(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(await start_server("--model-path", str(smollm2)))
    await client.until_ready()
    _, answer = client.inline(URI, *END)
    assert await client.shutdown() == 0
    assert (await asyncio.wait_for(answer, PATIENCE_S))["error"]["code"] == -32800
    assert b"Traceback" not in client.errors


async def test_the_engine_ends_with_the_server(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(await start_server("--model-path", str(smollm2)))
    await client.until_ready()
    (engine,) = engines_of(client.process.pid)
    client.process.kill()
    async with asyncio.timeout(PATIENCE_S):
        while Path(f"/proc/{engine}").exists():
            await asyncio.sleep(0.05)


async def test_exit_without_shutdown_is_a_failure(start_server: StartServer) -> None:
    client = await opened(await start_server())
    client.notify("exit")
    assert await client.exit_status() == 1


async def test_the_end_of_stdin_ends_the_server(start_server: StartServer) -> None:
    client = await opened(await start_server())
    assert client.process.stdin is not None
    client.process.stdin.close()
    assert await client.exit_status() == 1


async def test_starcoder2_answers(
    start_server: StartServer, tiny_starcoder2: Path
) -> None:
    client = await opened(
        await start_server(
            "--model", "starcoder2-3b", "--model-path", str(tiny_starcoder2)
        )
    )
    await client.until_ready("starcoder2-3b")
    assert await client.complete(URI, *END)


async def test_nothing_of_the_users_text_is_logged(
    start_server: StartServer, smollm2: Path
) -> None:
    secret = "hunter2_is_my_password"
    client = await start_server("--model-path", str(smollm2), "--log-level", "info")
    await opened(client, f"{secret} = 1\nprint(")
    await client.until_ready()
    await client.complete(URI, 1, 6)
    await client.shutdown()
    await client.close()
    assert b"characters" in client.errors, "the request itself is logged"
    assert secret.encode() not in client.errors


SESSIONS = sorted((Path(__file__).parents[1] / "data" / "sessions").glob("*.jsonl"))


@pytest.mark.parametrize("recorded", SESSIONS, ids=lambda path: path.stem)
async def test_a_recorded_session_gets_the_recorded_answers(
    start_server: StartServer, smollm2: Path, recorded: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    client.answers["workspace/configuration"] = [None]
    client.answers["window/workDoneProgress/create"] = None
    rows = [json.loads(line) for line in recorded.read_text("utf-8").splitlines()]
    assert any("shown" in row for row in rows)
    for row in rows:
        message = row["send"]
        if message["method"] == "initialize":
            options = message["params"].get("initializationOptions") or {}
            options["notifications"] = list(UNDERSTOOD)
            message["params"]["initializationOptions"] = options
        if "id" not in message:
            client.send(message)
            continue
        if "shown" in row:
            await client.until_ready()
        waiting = client.expect(message["id"])
        client.send(message)
        answer = await asyncio.wait_for(waiting, PATIENCE_S)
        if "shown" in row:
            items = answer["result"]["items"]
            assert [item["insertText"] for item in items] == row["shown"]
    client.notify("exit")
    assert await client.exit_status() == 0
    assert len([n for n in client.notifications if n["method"] == "$/progress"]) > 1


DECLARED: dict[str, Any] = {"textDocument": {"inlineCompletion": {}}}


@pytest.mark.parametrize(
    ("name", "capabilities", "has_popup"),
    [
        ("Vim", {}, True),
        ("Zed Preview", {}, True),
        ("Kakoune", {"textDocument": {"inlineCompletion": None}}, True),
        ("an editor of tomorrow", {}, True),
        ("an editor of tomorrow", DECLARED, False),
        ("helix", {}, True),
        ("helix", DECLARED, False),
        ("emacs", {"textDocument": {"inlineCompletion": None}}, False),
    ],
)
async def test_a_client_gets_a_popup_unless_it_shows_ghost_text(
    start_server: StartServer, name: str, capabilities: Any, has_popup: bool
) -> None:
    client = await start_server("--download", "never")
    result = await client.initialize(
        clientInfo={"name": name}, capabilities=capabilities
    )
    offered = result["capabilities"]
    assert ("completionProvider" in offered) == has_popup
    assert "inlineCompletionProvider" in offered


CLIENTS = sorted((Path(__file__).parents[1] / "data" / "clients").glob("*.json"))


@pytest.mark.parametrize("recorded", CLIENTS, ids=lambda path: path.stem)
async def test_real_clients_get_the_capabilities_that_they_support(
    start_server: StartServer, recorded: Path
) -> None:
    client = await start_server()
    params = json.loads(recorded.read_text())
    result = await client.ask("initialize", params)
    capabilities = result["capabilities"]
    assert capabilities["inlineCompletionProvider"] is not None
    has_popup = capabilities.get("completionProvider") is not None
    assert has_popup == recorded.stem.startswith(("helix", "eglot"))
    offered = params["capabilities"]["general"]["positionEncodings"]
    assert capabilities["positionEncoding"] == offered[0]
    client.notify("initialized")
    assert await client.shutdown() == 0
