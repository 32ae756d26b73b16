"""The real server with an engine that completes a given line after a given time.

Run as `scripted_starcoder.py LINE SECONDS FILE`: it answers with the rest of LINE
wherever the text before the cursor ends with a beginning of it, and creates FILE when the
editor has initialized it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Group, Limits, Piece, Prompt, Text
from starcoder_lsp.lsp import handlers, stdio
from starcoder_lsp.lsp.server import Server
from starcoder_lsp.runtime import frames
from starcoder_lsp.settings.resolve import Layer

OPTIONS = {"statistics": False, "speculate": "never", "context": False}


class SlowEngine(ScriptedEngine):
    def __init__(self, line: str, seconds: float) -> None:
        super().__init__(lambda prompt: [rest_of(line, prompt), "\n"])
        self.seconds = seconds

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        await asyncio.sleep(self.seconds)
        async for piece in super().generate(prompt, limits):
            yield piece


def rest_of(line: str, prompt: Prompt) -> str:
    """Return the part of `line` that follows the text before the cursor."""
    segments = [
        one
        for segment in prompt.segments
        for one in (segment.segments if isinstance(segment, Group) else [segment])
    ]
    before = "".join(one.text for one in segments if isinstance(one, Text))
    before += prompt.held_back
    ends = [n for n in range(len(line), 0, -1) if before.endswith(line[:n])]
    return line[ends[0] :] if ends else ""


async def announce(server: Server, file: Path) -> None:
    """Create a file once the client has initialized the server."""
    while not server.protocol.is_initialized:
        await asyncio.sleep(0.01)
    file.touch()


async def main(line: str, seconds: str, file: str) -> int:
    server = handlers.create_server(
        Layer("test", OPTIONS), lambda *_, **__: SlowEngine(line, float(seconds))
    )
    announcing = asyncio.create_task(announce(server, Path(file)))
    try:
        return await stdio.serve(server, frames.claim_stdout())
    finally:
        announcing.cancel()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
