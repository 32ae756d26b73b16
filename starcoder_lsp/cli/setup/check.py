"""Asks a server for one suggestion, as an editor does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from typing import Any

BEFORE_CURSOR = "def add(a, b):\n    ret"
URI = "untitled:starcoder-setup.py"
PATIENCE_S = 120.0


class NoAnswer(Exception):
    """The server gave no suggestion; the message says why."""


async def suggestion(server: str, method: str) -> str:
    """Start a server, and return what it suggests by `method`; raises NoAnswer."""
    process = await asyncio.create_subprocess_exec(
        server,
        "--stdio",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    conversation = Conversation(process)
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await conversation.suggestion(method)
    except (TimeoutError, OSError, EOFError) as exc:
        why = "it ended" if isinstance(exc, EOFError) else "it did not answer in time"
        raise NoAnswer(f"{why}; {conversation.status}".rstrip("; ")) from exc
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Conversation:
    """One session with a server, with one message after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self._input, self._output = process.stdin, process.stdout
        self._n_sent = 0
        self.status = ""
        self._is_busy = True

    async def suggestion(self, method: str) -> str:
        options = {"notifications": ["didChangeStatus"], "completion": "always"}
        params = {
            "processId": os.getpid(),
            "rootUri": None,
            "capabilities": {},
            "initializationOptions": {**options, "download": "never"},
        }
        await self._ask("initialize", params)
        self._send({"method": "initialized", "params": {}})
        item = {"uri": URI, "languageId": "python", "version": 1, "text": BEFORE_CURSOR}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": item}})
        lines = BEFORE_CURSOR.split("\n")
        place = {
            "textDocument": {"uri": URI},
            "position": {"line": len(lines) - 1, "character": len(lines[-1])},
            "context": {"triggerKind": 1},
        }
        while True:
            was_busy = self._is_busy
            items = (await self._ask(method, place) or {}).get("items")
            if items:
                return _text_of(items[0])
            if not was_busy:
                raise NoAnswer("the model has no suggestion at this place")
            while self._is_busy:
                self._note(await self._read())

    async def _ask(self, method: str, params: Any) -> Any:
        self._n_sent += 1
        self._send({"id": self._n_sent, "method": method, "params": params})
        while (message := await self._read()).get("id") != self._n_sent:
            self._note(message)
        return message.get("result")

    def _note(self, message: dict[str, Any]) -> None:
        """Note a status of the server; raises NoAnswer if it cannot suggest anything."""
        if message.get("method") != "didChangeStatus":
            return
        params = message["params"]
        self.status, self._is_busy = str(params["message"]), bool(params["busy"])
        if params["kind"] in ("Error", "Inactive") or (
            params["kind"] == "Warning" and not self._is_busy
        ):
            raise NoAnswer(self.status)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._input.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def _read(self) -> dict[str, Any]:
        header = await self._output.readuntil(b"\r\n\r\n")
        length = int(header.lower().partition(b"content-length:")[2].split()[0])
        message: dict[str, Any] = json.loads(await self._output.readexactly(length))
        return message


def _text_of(item: dict[str, Any]) -> str:
    edit = item.get("textEdit") or {}
    return str(item.get("insertText") or edit.get("newText") or "")
