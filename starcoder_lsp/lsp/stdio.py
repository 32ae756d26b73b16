"""Messages over stdin and stdout, without a thread, until the client goes away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import stat
import sys
import traceback
from typing import BinaryIO

from starcoder_lsp.lsp import editor_watch
from starcoder_lsp.lsp.server import Server

logger = logging.getLogger(__name__)

LENGTH = re.compile(rb"content-length\s*:\s*(\d{1,18})\s*$", re.IGNORECASE)
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 1024 * 1024
# A client that reads nothing gets no more progress and log messages than this.
MAX_UNREAD_BYTES = 8 * 1024 * 1024
CLOSE_GRACE_S = 2.0


class TooLarge(Exception): ...


async def read_message(stream: asyncio.StreamReader) -> bytes | None:
    """The next message's body, or None at the end of the stream.

    Header names in any case, line ends with or without CR, and anything that is no
    header is skipped, so that one odd message does not end the session.
    Raises TooLarge.
    """
    length: int | None = None
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue  # a "header" longer than the limit
        if not line:
            return None
        if found := LENGTH.search(line):
            length = int(found[1])
        elif not line.strip() and length is not None:
            break
    if length > MAX_MESSAGE_BYTES:
        raise TooLarge(f"a message of {length} bytes")
    try:
        return await stream.readexactly(length)
    except asyncio.IncompleteReadError:
        return None


class PipeWriter:
    """Writes without waiting; what pygls calls a writer."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        unread = self._transport.get_write_buffer_size()
        if unread > MAX_UNREAD_BYTES and b'"id"' not in data[:200]:
            return
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    async def drained(self) -> None:
        """Wait, not for long, until the client has read everything."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_GRACE_S):
                # The transport tells nobody when its buffer is empty.
                while self._transport.get_write_buffer_size():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


class FileWriter:
    """As PipeWriter, where stdout is a file: nothing there can wait."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    async def drained(self) -> None: ...


async def serve(server: Server, wire: BinaryIO, parent: int | None = None) -> int:
    """Serve until the client says exit, goes away or dies; returns the exit status.

    `parent` is the process that started this one, where the caller knew it earlier.
    """
    parent = os.getppid() if parent is None else parent
    reader = await _open_stdin()
    writer = await _open_wire(wire, server)
    server.protocol.set_writer(writer)
    _never_wait_for_stderr()
    watch = asyncio.create_task(_end_with_editor(server, parent))
    pump = asyncio.create_task(_pump(server, reader))
    try:
        return await server.stopped
    finally:
        pump.cancel()
        watch.cancel()
        await writer.drained()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_GRACE_S):
                await server.close()


def _never_wait_for_stderr() -> None:
    """An editor that does not read our log loses lines of it, not the server."""
    with contextlib.suppress(OSError):
        if stat.S_ISFIFO(os.fstat(2).st_mode):
            os.set_blocking(2, False)


async def _pump(server: Server, reader: asyncio.StreamReader) -> None:
    try:
        while (body := await read_message(reader)) is not None:
            _receive(server, body)
            # A request sees the document before the message after it changes that.
            await asyncio.sleep(0)
    except (TooLarge, OSError) as exc:
        logger.error("the client sent %s; ending", exc)
    server.stop(1)


def _receive(server: Server, body: bytes) -> None:
    try:
        server.protocol.receive(body)
    except Exception as exc:
        # Our own mistake must not cost the session; its text might hold the user's.
        where = traceback.extract_tb(exc.__traceback__)[-1]
        logger.error(
            "a message was lost: %s at %s:%s",
            type(exc).__name__,
            where.filename,
            where.lineno,
        )


async def _open_stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=MAX_HEADER_BYTES)
    loop = asyncio.get_running_loop()
    try:
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
        )
    except ValueError:  # a regular file: it cannot block
        reader.feed_data(sys.stdin.buffer.read())
        reader.feed_eof()
    return reader


class _Wire(asyncio.BaseProtocol):
    """Ends the server when nobody can read its answers any more."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.stop(1)


async def _open_wire(wire: BinaryIO, server: Server) -> PipeWriter | FileWriter:
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.connect_write_pipe(lambda: _Wire(server), wire)
    except ValueError:
        return FileWriter(wire)
    return PipeWriter(transport)


async def _end_with_editor(server: Server, parent: int) -> None:
    await editor_watch.until_gone(parent, server.editor)
    logger.warning("the editor is gone; ending")
    server.stop(1)
