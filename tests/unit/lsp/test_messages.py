"""What a client's messages do to a session, in one process with a scripted engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Prompt, Text
from starcoder_lsp.lsp import stdio
from starcoder_lsp.lsp.handlers import create_server
from starcoder_lsp.settings.resolve import Layer

URI = "untitled:a.py"
QUIET = {"statistics": False, "context": False, "debounce_ms": 0, "speculate": "always"}


def message(**fields: Any) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **fields}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Wire:
    """Keeps what the server says."""

    def __init__(self) -> None:
        self.said: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.said.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def close(self) -> None: ...


class Session:
    """A server with one document open, and the client's end of its pipes."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine(["1", "\n"])
        self.server = create_server(Layer("test", QUIET), lambda *_, **__: self.engine)
        self.wire = Wire()
        self.server.protocol.set_writer(self.wire)
        self.input = asyncio.StreamReader()
        self.pump = asyncio.create_task(stdio._pump(self.server, self.input))

    async def opens(self, text: str) -> None:
        capabilities: dict[str, Any] = {"capabilities": {}, "processId": None}
        document = {"uri": URI, "languageId": "python", "version": 1, "text": text}
        self.sends(message(id=0, method="initialize", params=capabilities))
        self.sends(message(method="initialized", params={}))
        self.sends(self.notification("didOpen", textDocument=document))
        await self.answer(0)

    def sends(self, *messages: bytes) -> None:
        self.input.feed_data(b"".join(messages))

    async def answer(self, id: int) -> Any:
        async with asyncio.timeout(5):
            while True:
                for one in self.wire.said:
                    if one.get("id") == id:
                        return one["result"]
                await asyncio.sleep(0)

    @staticmethod
    def notification(name: str, **params: Any) -> bytes:
        return message(method=f"textDocument/{name}", params=params)

    @staticmethod
    def request(id: int, line: int, character: int) -> bytes:
        params = {
            "textDocument": {"uri": URI},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": 1},
        }
        return message(id=id, method="textDocument/inlineCompletion", params=params)


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    session = Session()
    yield session
    session.pump.cancel()
    await session.server.close()


def read(prompt: Prompt) -> str:
    texts = [part.text for part in prompt.segments if isinstance(part, Text)]
    return "".join([*texts, prompt.held_back])


async def test_a_request_is_about_the_text_at_its_time_not_the_next_messages(
    session: Session,
) -> None:
    await session.opens("x = ")
    change = session.notification(
        "didChange",
        textDocument={"uri": URI, "version": 2},
        contentChanges=[{"text": "something else"}],
    )
    session.sends(session.request(1, 0, 4), change)
    assert (await session.answer(1))["items"]
    assert "x = " in read(session.engine.prompts[0])


async def test_the_model_reads_ahead_where_the_cursor_is_and_nowhere_else(
    session: Session,
) -> None:
    session.server.suggester.scheduler._sleep = lambda _seconds: asyncio.sleep(0)
    await session.opens("x = 1\n")
    session.sends(session.notification("didFocus", textDocument={"uri": URI}))
    for _ in range(20):
        await asyncio.sleep(0)
    assert session.engine.prompts == []
    params = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 4}}
    session.sends(message(method="starcoder/cursorMoved", params=params))
    async with asyncio.timeout(5):
        while not session.engine.prompts:
            await asyncio.sleep(0)
    assert [limits.max_tokens for limits in session.engine.limits] == [0]


async def test_cursors_in_documents_that_are_not_open_are_forgotten(
    session: Session,
) -> None:
    await session.opens("x = ")
    for uri in (URI, "untitled:closed.py"):
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": 0, "character": 1},
        }
        session.sends(message(method="starcoder/cursorMoved", params=params))
    session.sends(session.request(1, 0, 4))
    await session.answer(1)
    assert set(session.server.positions) == {URI}
