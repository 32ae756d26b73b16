"""Opens stdin and stdout for the event loop: pipes, sockets, files or devices."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import selectors
import stat
from collections.abc import Callable
from typing import BinaryIO

from starcoder_lsp.lsp.messages.framing import MAX_HEADER_BYTES

logger = logging.getLogger(__name__)

# While a client has left more than this unread, we read no more of its messages and
# send it no notifications.
MAX_UNREAD_BYTES = 8 * 1024 * 1024
CLOSE_GRACE_S = 2.0
CHUNK_BYTES = 64 * 1024


class PipeWriter(asyncio.BaseProtocol):
    """Writes without blocking. `on_lost` is called when the client closes its end."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.WriteTransport | None = None
        self._is_read = asyncio.Event()
        self._is_read.set()

    @property
    def is_behind(self) -> bool:
        """True if the client has left more than `MAX_UNREAD_BYTES` unread."""
        return not self._is_read.is_set()

    async def until_read(self) -> None:
        """Wait until the client has caught up."""
        await self._is_read.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.set_write_buffer_limits(high=MAX_UNREAD_BYTES)
        self._transport = transport

    def pause_writing(self) -> None:
        logger.warning("the editor reads nothing: %d bytes wait", MAX_UNREAD_BYTES)
        self._is_read.clear()

    def resume_writing(self) -> None:
        self._is_read.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_read.set()
        self._on_lost()

    def write(self, data: bytes) -> None:
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        assert self._transport is not None
        self._transport.close()

    async def drained(self) -> None:
        """Wait until the client has read everything, at most `CLOSE_GRACE_S`."""
        assert self._transport is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_GRACE_S):
                # The transport has no event for an empty buffer.
                while self._transport.get_write_buffer_size():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


class FileWriter:
    """Like PipeWriter, for a regular file, where writing does not wait for a reader."""

    is_behind = False

    def __init__(self, file: BinaryIO, on_lost: Callable[[], None]) -> None:
        self._file = file
        self._on_lost = on_lost

    def write(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as exc:  # the disk is full
            logger.error("stdout cannot be written: %s", exc.strerror)
            self._on_lost()

    def close(self) -> None:
        self._file.close()

    async def drained(self) -> None: ...


async def open_writer(
    wire: BinaryIO, on_lost: Callable[[], None]
) -> PipeWriter | FileWriter:
    loop = asyncio.get_running_loop()
    try:
        _, writer = await loop.connect_write_pipe(lambda: PipeWriter(on_lost), wire)
    except ValueError:  # a regular file
        return FileWriter(wire, on_lost)
    return writer


async def open_reader(file: BinaryIO) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=MAX_HEADER_BYTES)
    if _can_wait(file.fileno()):
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(reader)
        await loop.connect_read_pipe(lambda: protocol, file)
    else:
        _FileFeed(reader, file.fileno()).start()
    return reader


def _can_wait(descriptor: int) -> bool:
    """Return whether the event loop can wait for input from a descriptor.

    It cannot for regular files, nor on Linux for /dev/null and similar devices.
    """
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return False
    with selectors.DefaultSelector() as selector:
        try:
            selector.register(descriptor, selectors.EVENT_READ)
        except OSError:
            return False
    return True


class _FileFeed(asyncio.ReadTransport):
    """Reads a file that is always ready, no faster than its content is used."""

    def __init__(self, reader: asyncio.StreamReader, descriptor: int) -> None:
        super().__init__()
        self._reader = reader
        self._descriptor = descriptor
        self._may_read = asyncio.Event()
        self._may_read.set()

    def start(self) -> None:
        self._reader.set_transport(self)
        self._task = asyncio.create_task(self._feed())

    def pause_reading(self) -> None:
        self._may_read.clear()

    def resume_reading(self) -> None:
        self._may_read.set()

    async def _feed(self) -> None:
        with contextlib.suppress(OSError):  # a directory
            while chunk := os.read(self._descriptor, CHUNK_BYTES):
                self._reader.feed_data(chunk)
                await asyncio.sleep(0)
                await self._may_read.wait()
        self._reader.feed_eof()
