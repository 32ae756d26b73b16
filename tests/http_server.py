"""A small HTTP server for tests: it records requests, and answers as badly as it is told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

REASONS = {200: "OK", 302: "Found", 401: "Unauthorized", 503: "Unavailable"}


@dataclass(frozen=True)
class Request:
    """A request as it was received; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer: `chunks` are sent one by one, then the connection does as `ends` says.

    keep: the next request may come; close: it is closed in order; break: it is cut off
    before the answer is complete; hang: nothing more comes. `is_mute` sends nothing.
    """

    status: int = 200
    chunks: Sequence[bytes] = (b"",)
    headers: Mapping[str, str] = field(default_factory=dict)
    ends: str = "keep"
    is_mute: bool = False


def reply(status: int = 200, value: Any = None, **headers: str) -> Reply:
    """Return an answer in JSON."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(
        status,
        [json.dumps(value).encode()],
        {"content-type": "application/json", **named},
    )


Answer = Reply | Callable[[Request], Reply]


class HttpServer:
    """Answers by path; a path that is not named is answered with 404."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self.answers = answers
        self.requests: list[Request] = []
        self.n_connections = 0
        self.n_open = 0
        self.address = ""
        self._writers: list[asyncio.StreamWriter] = []
        # Set whenever a client has closed a connection, or opened one.
        self.changed = asyncio.Event()

    @property
    def received(self) -> bytes:
        """All that was ever received."""
        rows = [
            f"{one.path} {dict(one.headers)} ".encode() + one.body
            for one in self.requests
        ]
        return b"\n".join(rows)

    def bodies(self, path: str) -> list[Any]:
        return [one.json for one in self.requests if one.path == path]

    def drop_all(self) -> None:
        """Cut off all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is true of the connections."""
        while not is_so():
            self.changed.clear()
            await self.changed.wait()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.n_connections += 1
        self.n_open += 1
        self._writers.append(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                while await self._answer_one(reader, writer):
                    pass
        finally:
            self.n_open -= 1
            self.changed.set()
            writer.transport.abort()

    async def _answer_one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a request; False when the connection is over."""
        request = await _read(reader)
        self.requests.append(request)
        self.changed.set()
        answer = self.answers.get(request.path, reply(404, {"error": "no such path"}))
        if not isinstance(answer, Reply):
            answer = answer(request)
        if not answer.is_mute:
            await _write(writer, answer)
        if answer.ends == "hang" or answer.is_mute:
            # Returns when the client closes the connection.
            await reader.read()
        return answer.ends == "keep" and not answer.is_mute


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


async def _write(writer: asyncio.StreamWriter, answer: Reply) -> None:
    reason = REASONS.get(answer.status, "Status")
    lines = [f"HTTP/1.1 {answer.status} {reason}", "transfer-encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    for chunk in filter(None, answer.chunks):
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()
        # Each chunk arrives on its own.
        await asyncio.sleep(0)
    if answer.ends in ("keep", "close"):
        writer.write(b"0\r\n\r\n")
    await writer.drain()


@asynccontextmanager
async def serving(
    answers: dict[str, Answer],
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    unix: str | None = None,
) -> AsyncIterator[HttpServer]:
    """Run a server on the loopback address, or on a Unix socket."""
    server = HttpServer(answers)
    if unix:
        listening = await asyncio.start_unix_server(server._serve, unix)
        server.address = f"unix://{unix}"
    else:
        listening = await asyncio.start_server(
            server._serve, "127.0.0.1", port, ssl=tls, limit=1 << 22
        )
        port = listening.sockets[0].getsockname()[1]
        scheme = "https" if tls else "http"
        server.address = f"{scheme}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listening.close()
