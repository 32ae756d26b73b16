"""Explanations, statistics, snoozing and events, with a real server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from conftest import StartServer
from lsp_client import PATIENCE_S, Client

URI = "file:///project/add.py"
BEGIN = "def add(a, b):\n    ret"
END = (1, 7)


async def opened(start_server: StartServer, model: Path, *flags: str) -> Client:
    client = await start_server("--model-path", str(model), *flags)
    await client.initialize()
    client.open(URI, BEGIN)
    await client.until_ready()
    return client


async def items_at(
    client: Client, line: int, character: int, *, explicit: bool = False
) -> list[dict[str, Any]]:
    _, answer = client.inline(URI, line, character, explicit=explicit)
    message = await asyncio.wait_for(answer, PATIENCE_S)
    return list(message["result"]["items"]) if message["result"] else []


async def execute(client: Client, command: str, *arguments: Any) -> Any:
    params = {"command": command, "arguments": list(arguments)}
    return await client.ask("workspace/executeCommand", params)


def typed(client: Client, text: str, version: int, line: int, character: int) -> None:
    at = {"line": line, "character": character}
    client.notify(
        "textDocument/didChange",
        {
            "textDocument": {"uri": URI, "version": version},
            "contentChanges": [{"range": {"start": at, "end": at}, "text": text}],
        },
    )


async def test_typing_through_accepting_and_explaining(
    start_server: StartServer, smollm2: Path, tmp_path: Path
) -> None:
    client = await opened(start_server, smollm2)
    (item,) = await items_at(client, *END)
    text = item["insertText"]
    assert text.startswith("urn")
    assert "raw text" in await execute(client, "starcoder.explain")
    typed(client, "u", 2, *END)
    (shorter,) = await items_at(client, 1, 8)
    assert "u" + shorter["insertText"] == text
    assert "known already" in await execute(client, "starcoder.explain")
    typed(client, text[1:], 3, 1, 8)
    await execute(client, item["command"]["command"], *item["command"]["arguments"])
    assert await client.shutdown() == 0
    (file,) = (tmp_path / "data").glob("*.jsonl")
    (row,) = map(json.loads, file.read_text("utf-8").splitlines())
    assert (row["language"], row["outcome"]) == ("python", "accepted")
    assert "return" not in file.read_text("utf-8")


async def test_an_explicit_request_gets_several_suggestions_and_the_usual_one_first(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(start_server, smollm2)
    client.open(URI, "def add(a, b):\n    ")
    (usual,) = await items_at(client, 1, 4)
    several = await items_at(client, 1, 4, explicit=True)
    texts = [item["insertText"] for item in several]
    assert texts[0] == usual["insertText"]
    assert len(set(texts)) == len(texts) == 3
    assert "return a + b" in texts


async def test_snoozing_suppresses_automatic_requests_only(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(start_server, smollm2, "--alternatives", "1")
    await execute(client, "starcoder.snooze", 5)
    assert await items_at(client, *END) == []
    assert "snoozing" in await execute(client, "starcoder.explain")
    assert await items_at(client, *END, explicit=True)
    await execute(client, "starcoder.snooze", 0)
    assert await items_at(client, *END)


async def test_a_longer_suggestion_has_a_request_of_its_own(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(start_server, smollm2)
    place = {"line": END[0], "character": END[1]}
    params = {"textDocument": {"uri": URI}, "position": place}
    more = await client.ask("starcoder/more", params)
    assert more["items"][0]["insertText"].startswith("urn")
    _, answer = client.begin("starcoder/more", {"textDocument": 7})
    error = (await asyncio.wait_for(answer, PATIENCE_S))["error"]
    assert error["code"] == -32602


async def test_meaningless_notifications_are_ignored(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(start_server, smollm2)
    for method in (
        "textDocument/didFocus",
        "textDocument/didShowCompletion",
        "textDocument/didPartiallyAcceptCompletion",
        "starcoder/didRejectCompletion",
        "starcoder/cursorMoved",
    ):
        odd: list[Any] = [{}, {"item": 7}, {"textDocument": None, "position": []}, [1]]
        for params in odd:
            client.send({"method": method, "params": params})
    assert await items_at(client, *END)


async def test_the_popups_entry_is_part_of_the_ghost_text(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await opened(start_server, smollm2)
    start, end = {"line": 1, "character": 4}, {"line": 1, "character": 7}
    selected = {"range": {"start": start, "end": end}, "text": "return"}
    answer = await client.ask(
        "textDocument/inlineCompletion",
        {
            "textDocument": {"uri": URI},
            "position": end,
            "context": {"triggerKind": 2, "selectedCompletionInfo": selected},
        },
    )
    (item,) = answer["items"]
    assert item["range"] == selected["range"]
    assert item["insertText"].startswith("return ")
