"""Serves a client on stdin and stdout without threads, until the client goes away."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import stat
import sys
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from starcoder_lsp.lsp.client import editor_watch
from starcoder_lsp.lsp.messages.framing import Skipped, TooLarge, read_message
from starcoder_lsp.lsp.messages.outgoing import report
from starcoder_lsp.lsp.messages.streams import CLOSE_GRACE_S, open_reader, open_writer
from starcoder_lsp.lsp.server import Server

logger = logging.getLogger(__name__)

LARGE_BYTES = 256 * 1024
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def serve(server: Server, wire: BinaryIO, parent: int | None = None) -> int:
    """Serve until the client sends `exit`, closes its end or dies; return the exit status.

    `parent` is the process that started this one, if the caller knew it earlier.
    """
    parent = os.getppid() if parent is None else parent
    reader = await open_reader(sys.stdin.buffer)
    writer = await open_writer(wire, on_lost=partial(server.stop, 1))
    server.protocol.set_writer(writer)
    _never_wait_for_stderr()
    _stop_on_signals(server)
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
    """Make writing to stderr non-blocking, in case the editor does not read our log.

    The pipe is opened again for this: its mode is shared by all processes that have the
    same descriptor.
    """
    with contextlib.suppress(OSError):
        if stat.S_ISFIFO(os.fstat(2).st_mode):
            own = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK)
            os.dup2(own, 2)
            os.close(own)


def _stop_on_signals(server: Server) -> None:
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        # A signal that is ignored stays ignored, as `nohup` wants it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, server.stop, 128 + number)


async def _pump(server: Server, reader: asyncio.StreamReader) -> None:
    try:
        while (message := await read_message(reader)) is not None:
            await _receive(server, message)
            # Let a request start before the next message changes its document.
            await asyncio.sleep(0)
            await server.protocol.until_read()
    except (TooLarge, OSError) as exc:
        logger.error("the client sent %s; ending", exc)
    server.stop(1)


async def _receive(server: Server, message: bytes | Skipped) -> None:
    try:
        if isinstance(message, Skipped):
            server.protocol.skip(message)
        elif len(message) < LARGE_BYTES:
            await server.protocol.receive(message)
        else:
            with _no_garbage_collection():
                await server.protocol.receive(message)
    except Exception as exc:
        # An internal error must not end the session.
        report(logger, "a message", exc)


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Switch the collector off while there are many objects, which are all freed soon."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _end_with_editor(server: Server, parent: int) -> None:
    await editor_watch.until_gone(parent, server.editor)
    logger.warning("the editor is gone; ending")
    server.stop(1)
