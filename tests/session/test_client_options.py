"""Clients get what they ask for in `initializationOptions`, and nothing else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import StartServer
from lsp_client import PATIENCE_S, Client

URI = "file:///project/add.py"
BEGIN = "def add(a, b):\n    ret"
END = {"line": 1, "character": 7}
READY = "starcoder/suggestionReady"


async def automatic(client: Client, line: int = 1, character: int = 7) -> Any:
    _, answer = client.inline(URI, line, character, explicit=False)
    return (await asyncio.wait_for(answer, PATIENCE_S))["result"]


async def answered(client: Client) -> list[str]:
    """Wait for a suggestion; return the methods of all notifications until then."""
    while not await automatic(client):
        await asyncio.sleep(0.05)
    return [message["method"] for message in client.notifications]


async def test_without_a_wish_the_server_sends_nothing_outside_lsp(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    await client.initialize(notifications=())
    client.open(URI, BEGIN)
    assert await answered(client) == []


async def test_an_answer_that_waited_for_the_model_is_announced(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    await client.initialize(notifications=[READY])
    client.open(URI, BEGIN)
    assert await automatic(client) is None
    announced = await client.until_notified(READY)
    document = {"uri": URI, "version": 1}
    assert announced == {"textDocument": document, "position": END}
    assert await automatic(client)


async def test_an_answer_that_had_no_time_is_finished_and_announced(
    start_server: StartServer, smollm2: Path
) -> None:
    # No CPU reads 600 tokens in the shortest time budget.
    n_lines, line = 200, 201
    flags = ["--time-budget-ms", "50", "--latency-target-ms", "10000"]
    client = await start_server("--model-path", str(smollm2), *flags)
    await client.initialize()
    client.open(URI, "import os\n" * n_lines + BEGIN)
    await client.until_ready()
    client.notifications.clear()
    assert await automatic(client, line) == {"items": []}
    announced = await client.until_notified(READY)
    assert announced["position"] == {"line": line, "character": 7}
    assert (await automatic(client, line))["items"]


async def test_nothing_is_announced_after_the_text_has_changed(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    await client.initialize()
    client.open(URI, BEGIN)
    assert await automatic(client) is None
    change = {"range": {"start": END, "end": END}, "text": "u"}
    document = {"uri": URI, "version": 2}
    params = {"textDocument": document, "contentChanges": [change]}
    client.notify("textDocument/didChange", params)
    await client.until_ready()
    assert await automatic(client, 1, 8)
    assert READY not in [message["method"] for message in client.notifications]


@pytest.mark.parametrize("options", [{"trusted": False}, {"trusted": "yes"}])
async def test_files_of_an_untrusted_workspace_set_nothing(
    start_server: StartServer, tmp_path: Path, options: dict[str, Any]
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".starcoder.toml").write_text('model = "starcoder2-3b"\n')
    folders = [{"uri": project.as_uri(), "name": "w"}]
    client = await start_server("--download", "never")
    nested = {"starcoder": {"context": False}, **options}
    await client.initialize(workspaceFolders=folders, initializationOptions=nested)
    uri = (project / "a.py").as_uri()
    client.open(uri, "x = ")
    await client.complete(uri, 0, 4)
    told = json.dumps([message.get("params") for message in client.notifications])
    assert "smollm2-135m is not on this machine" in told
    assert "starcoder2-3b" not in told
    assert "is not an option" not in told
