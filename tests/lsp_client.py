"""A client that speaks raw LSP with a real server process, and checks every message."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Message = dict[str, Any]

# How long to wait before a test fails; a slow machine may download 98 MB meanwhile.
PATIENCE_S = 180.0
# Tests check answers, and the machine may be busy.
PATIENT = ("--time-budget-ms", "60000")

# Notifications outside LSP, which the server sends only to clients that ask for them.
UNDERSTOOD = ("didChangeStatus", "starcoder/suggestionReady")


class Client:
    """Sends and keeps messages; fails if the server's stdout holds anything else."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.notifications: list[Message] = []
        self.requests: list[Message] = []
        self.errors = b""
        self._ids = itertools.count(1)
        self._waiting: dict[Any, asyncio.Future[Message]] = {}
        self._arrived = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._read_errors()),
        ]
        self.answers: dict[str, Any] = {}

    @classmethod
    async def start(
        cls,
        *flags: str,
        env: dict[str, str] | None = None,
        wrapper: Sequence[str] = (),
    ) -> Client:
        """Start a server; `wrapper` is a command that becomes the command after it."""
        process = await asyncio.create_subprocess_exec(
            *wrapper, sys.executable, "-P", "-m", "starcoder_lsp", "serve", *PATIENT, *flags,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )  # fmt: skip
        return cls(process)

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": params if params is not None else {}})

    def begin(
        self, method: str, params: Any = None
    ) -> tuple[int, asyncio.Future[Message]]:
        """Send a request; return its id and the future answer."""
        request_id = next(self._ids)
        answer = self.expect(request_id)
        self.send({"id": request_id, "method": method, "params": params})
        return request_id, answer

    def expect(self, request_id: Any) -> asyncio.Future[Message]:
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        return answer

    async def ask(self, method: str, params: Any = None) -> Any:
        """Return the result of a request; an error fails the test."""
        _, answer = self.begin(method, params)
        message = await asyncio.wait_for(answer, PATIENCE_S)
        assert "error" not in message, message
        return message["result"]

    async def initialize(
        self, notifications: Sequence[str] = UNDERSTOOD, **params: Any
    ) -> Any:
        options: Message = {"notifications": list(notifications)}
        options |= params.pop("initializationOptions", {})
        usual: Message = {"processId": os.getpid(), "rootUri": None, "capabilities": {}}
        params = usual | params | {"initializationOptions": options}
        result = await self.ask("initialize", params)
        self.notify("initialized")
        return result

    def open(self, uri: str, text: str, language: str = "python") -> None:
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def inline(
        self, uri: str, line: int, character: int, *, explicit: bool = True
    ) -> tuple[int, asyncio.Future[Message]]:
        return self.begin(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": uri},
                "position": {"line": line, "character": character},
                "context": {"triggerKind": 1 if explicit else 2},
            },
        )

    async def complete(self, uri: str, line: int, character: int) -> list[str]:
        _, answer = self.inline(uri, line, character)
        message = await asyncio.wait_for(answer, PATIENCE_S)
        assert "error" not in message, message
        items = message["result"]["items"] if message["result"] else []
        return [item["insertText"] for item in items]

    async def until_notified(self, method: str, **expected: Any) -> Message:
        """Return the parameters of the first such notification that hold `expected`."""

        def found() -> Message | None:
            for message in self.notifications:
                params = message.get("params") or {}
                if message["method"] == method and expected.items() <= params.items():
                    return dict(params)
            return None

        async with asyncio.timeout(PATIENCE_S):
            while (params := found()) is None:
                self._arrived.clear()
                await self._arrived.wait()
        return params

    async def until_asked(self, method: str) -> Message:
        """Return the parameters of the first request of the server for `method`."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := [m for m in self.requests if m["method"] == method]):
                self._arrived.clear()
                await self._arrived.wait()
        return dict(found[0]["params"])

    async def until_ready(self, model: str = "smollm2-135m") -> None:
        await self.until_notified("didChangeStatus", message=f"{model}: ready")

    async def shutdown(self) -> int:
        await self.ask("shutdown")
        self.notify("exit")
        return await self.exit_status()

    async def exit_status(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)

    async def close(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await asyncio.gather(*self._tasks)

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while header := await self.process.stdout.readline():
            assert header.lower().startswith(b"content-"), header
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                header = await self.process.stdout.readline()
            message = json.loads(await self.process.stdout.readexactly(length))
            assert message["jsonrpc"] == "2.0"
            self._sort(message)
            self._arrived.set()

    def _sort(self, message: Message) -> None:
        if "method" not in message:
            waiting = self._waiting.pop(message["id"], None)
            assert waiting is not None, f"an answer without a request: {message}"
            if not waiting.done():
                waiting.set_result(message)
        elif "id" in message:
            self.requests.append(message)
            if message["method"] in self.answers:
                result = self.answers[message["method"]]
                self.send({"id": message["id"], "result": result})
        else:
            self.notifications.append(message)

    async def _read_errors(self) -> None:
        if self.process.stderr is None:
            return
        while chunk := await self.process.stderr.read(65536):
            self.errors += chunk


def children_of(pid: int) -> list[int]:
    """Return the child processes of `pid`; none where there is no /proc."""
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            children.append(int(stat.parent.name))
    return children


def engines_of(pid: int) -> list[int]:
    """Return the children of `pid` that are engines."""
    return [
        child for child in children_of(pid) if b"engines.llama" in _command_of(child)
    ]


def indexers_of(pid: int) -> list[int]:
    """Return the children of `pid` that are indexers."""
    return [
        child for child in children_of(pid) if b"context.indexer" in _command_of(child)
    ]


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
