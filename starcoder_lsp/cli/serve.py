"""`starcoder-lsp serve`: the language server, started by an editor."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import sys
from typing import BinaryIO

from starcoder_lsp.cli.flags import add_option_flags, flag_layer
from starcoder_lsp.runtime import frames, log
from starcoder_lsp.settings.resolve import Layer

HINT = (
    "starcoder-lsp speaks the Language Server Protocol with an editor on stdin;\n"
    "to see what it can do, try: starcoder-lsp complete FILE:LINE:COLUMN\n"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--stdio",
        action="store_true",
        help="use stdin and stdout; this is the default and the only way",
    )
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    parent = os.getppid()
    flags = flag_layer(parsed)
    _open_closed_streams()
    wire = frames.claim_stdout()
    if sys.stdin.isatty():
        sys.stderr.write(HINT)
    log.set_up()  # until the editor sends its settings
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        # Otherwise asyncio starts a thread for each child that it waits for.
        asyncio.set_child_watcher(asyncio.PidfdChildWatcher())
    # The protocol's types are some 100,000 objects that stay: collecting garbage among
    # them while they are made would take longer than the rest of the start.
    gc.disable()
    status = asyncio.run(_serve(flags, wire, parent))
    for descriptor in range(3):
        # A terminal is shared with the shell that started us.
        with contextlib.suppress(OSError):
            os.set_blocking(descriptor, True)
    # No interpreter shutdown: it would wait for pipes of an editor that is gone.
    os._exit(status)


def _open_closed_streams() -> None:
    """Open the standard streams that our parent has closed, as /dev/null.

    Otherwise the next files that are opened would get their descriptors.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            lowest_free = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(lowest_free, mode))


async def _serve(flags: Layer, wire: BinaryIO, parent: int) -> int:
    from starcoder_lsp.lsp import handlers, stdio

    created = handlers.create_server(flags)
    gc.freeze()
    gc.enable()
    return await stdio.serve(created, wire, parent)
