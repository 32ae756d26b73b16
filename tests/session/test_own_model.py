"""A GGUF file of the user's own, in a running server."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from lsp_client import Client

StartServer = Callable[..., Awaitable[Client]]
URI = "file:///project/a.py"
PATIENCE_S = 60


async def with_model(start_server: StartServer, path: Path, *flags: str) -> Client:
    client = await start_server("--model-path", str(path), *flags)
    await client.initialize()
    client.open(URI, "x = 1\nprint(")
    await client.complete(URI, 1, 6)
    return client


async def told(client: Client) -> str:
    """Return the first message that the server shows."""
    message = await client.until_notified("window/showMessage")
    return str(message["message"])


async def test_a_file_that_does_not_fill_in_the_middle_is_said_once(
    start_server: StartServer, tiny_starcoder2: Path
) -> None:
    client = await with_model(start_server, tiny_starcoder2)
    message = await asyncio.wait_for(told(client), PATIENCE_S)
    assert "asked as a model of the family plain" in message
    assert "does not fill in the middle" in message
    again = await with_model(start_server, tiny_starcoder2)
    await again.until_ready(tiny_starcoder2.name)
    await again.complete(URI, 1, 6)
    shown = [m for m in again.notifications if m["method"] == "window/showMessage"]
    assert not shown


async def test_the_small_model_is_recognised_without_a_word(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await with_model(start_server, smollm2)
    await client.until_ready()
    assert await client.complete(URI, 1, 6)
    shown = [m for m in client.notifications if m["method"] == "window/showMessage"]
    assert not shown


async def test_what_a_licence_restricts_is_said_before_the_first_use_only(
    start_server: StartServer, tiny_starcoder2: Path
) -> None:
    for wanted in (1, 0):
        flags = ("--model", "starcoder2-3b")
        client = await with_model(start_server, tiny_starcoder2, *flags)
        await client.until_ready("starcoder2-3b")
        await client.complete(URI, 1, 6)
        shown = [
            m["params"]["message"]
            for m in client.notifications
            if m["method"] == "window/showMessage"
        ]
        assert len(shown) == wanted
        assert all("BigCode OpenRAIL-M" in text for text in shown)


async def test_a_model_with_a_context_of_2048_tokens_completes(
    start_server: StartServer, tiny_starcoder2: Path, tmp_path: Path
) -> None:
    raw = bytearray(tiny_starcoder2.read_bytes())
    key = b"starcoder2.context_length"
    value = raw.index(key) + len(key) + 4
    assert raw[value : value + 4] == (16384).to_bytes(4, "little")
    raw[value : value + 4] = (2048).to_bytes(4, "little")
    path = tmp_path / "short.gguf"
    path.write_bytes(raw)
    client = await with_model(start_server, path, "--model", "granite-code-3b")
    await client.until_ready("granite-code-3b")
    long = URI.replace("a.py", "long.py")
    client.open(long, "x = 1\n" * 4000)
    _, answer = client.inline(long, 4000, 0)
    message = await asyncio.wait_for(answer, PATIENCE_S)
    assert message["result"] is not None


async def test_a_file_that_is_cut_while_it_is_loaded_is_named(
    start_server: StartServer, tiny_starcoder2: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.gguf"
    shutil.copyfile(tiny_starcoder2, path)
    client = await with_model(start_server, path, "--model", "granite-code-3b")
    await client.until_ready("granite-code-3b")
    os.truncate(path, 100_000)
    # The engine's process dies of the missing pages, and the next finds the cut file.
    _, answer = client.inline(URI, 1, 6)
    await asyncio.wait_for(answer, PATIENCE_S)
    message = await asyncio.wait_for(told(client), PATIENCE_S)
    assert f"{path} is cut short: get it again" in message
