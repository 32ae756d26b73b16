"""A real server in this process, on real pipes, in virtual time."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from fuzz import accounting, virtual_time
from fuzz.accounting import Message
from starcoder_lsp.engines import EngineState
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.lsp import stdio
from starcoder_lsp.lsp.handlers import create_server
from starcoder_lsp.lsp.server import Server
from starcoder_lsp.models import registry
from starcoder_lsp.settings.options import EngineSettings
from starcoder_lsp.settings.resolve import Layer

# No file outside a directory of our own is written, and no process started.
FLAGS = Layer(
    "flags",
    {
        "context": False,
        "statistics": False,
        "log_file": os.devnull,
        "download": "never",
    },
)
# In virtual time: longer than any debounce, patience or snooze of a session.
LONG_S = 100.0

Answering = Callable[[Message], Message | None]
Create = Callable[[ScriptedEngine], Server]


class Unwell(AssertionError):
    """The server reported a mistake of its own, or did not end."""


def silent(_request: Message) -> Message | None:
    """Answer no request of the server's."""
    return None


def create(engine: ScriptedEngine) -> Server:
    def build(
        settings: EngineSettings,
        *,
        log_level: str,
        on_state: Callable[[EngineState], None],
        workspace: Path | None,
    ) -> ScriptedEngine:
        registry.find(settings.model)  # raises as the real one does
        return engine

    return create_server(FLAGS, build)


@dataclass
class Session:
    """One client; `chunks` are sent one after the other, a number is a wait in seconds."""

    chunks: Sequence[bytes | float]
    engine: ScriptedEngine
    answering: Answering = silent
    create: Create = create
    answers: list[bytes] = field(default_factory=list)
    received: list[Message] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self) -> Server:
        """Run it to its end; raises Unwell or WrongAnswers."""
        with _own_directories(), _errors_in(self.errors):
            server = virtual_time.run(self._run())
        self._check()
        return server

    async def _run(self) -> Server:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: self.errors.append(f"unhandled: {context}")
        )
        into_server, out_of_server = os.pipe(), os.pipe()
        server = self.create(self.engine)
        # Collected, it would close the pipe.
        stdin = io.TextIOWrapper(os.fdopen(into_server[0], "rb"))
        with mock.patch.object(sys, "stdin", stdin):
            serving = asyncio.create_task(
                stdio.serve(server, os.fdopen(out_of_server[1], "wb"))
            )
            await asyncio.sleep(0)
        writer = await _writer(into_server[1])
        reading = asyncio.create_task(self._read(out_of_server[0], writer))
        for chunk in self.chunks:
            if isinstance(chunk, bytes):
                writer.write(chunk)
                await writer.drain()
            else:
                await asyncio.sleep(chunk)
        await asyncio.sleep(LONG_S)
        writer.close()
        await asyncio.wait_for(serving, LONG_S)
        # A server's process would end here.
        assert server.protocol.writer is not None
        server.protocol.writer.close()
        await asyncio.wait_for(reading, LONG_S)
        return server

    async def _read(self, descriptor: int, writer: asyncio.StreamWriter) -> None:
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb")
        )
        while line := await reader.readline():
            length = 0
            while line.strip():
                name, _, value = line.partition(b": ")
                length = int(value) if name == b"Content-Length" else length
                line = await reader.readline()
            message = json.loads(await reader.readexactly(length))
            self.received.append(message)
            is_request = "method" in message and "id" in message
            if is_request and (answer := self.answering(message)) is not None:
                self.answers.append(framed(answer))
                writer.write(self.answers[-1])
        transport.close()

    def _check(self) -> None:
        if self.errors:
            raise Unwell(self.errors[0])
        stream = b"".join(one for one in self.chunks if isinstance(one, bytes))
        sent = list(accounting.bodies(stream + b"".join(self.answers)))
        if not any(map(accounting.is_exit, sent)):
            accounting.check(sent, self.received)


def framed(message: Any) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


async def _writer(descriptor: int) -> asyncio.StreamWriter:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), os.fdopen(descriptor, "wb")
    )
    return asyncio.StreamWriter(transport, protocol, None, loop)


@contextmanager
def _own_directories() -> Iterator[None]:
    with TemporaryDirectory() as folder:
        places = {
            "STARCODER_LSP_DATA": f"{folder}/data",
            "STARCODER_LSP_CACHE": f"{folder}/cache",
            "STARCODER_LSP_CONFIG": f"{folder}/config.toml",
        }
        with mock.patch.dict(os.environ, places):
            yield


@contextmanager
def _errors_in(errors: list[str]) -> Iterator[None]:
    """Collect what the server logs as an error, wherever it sends its log."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            errors.append(record.getMessage())

    ours, collector = logging.getLogger("starcoder_lsp.lsp"), Collector(logging.ERROR)
    ours.addHandler(collector)
    try:
        yield
    finally:
        ours.removeHandler(collector)
