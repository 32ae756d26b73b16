"""The model reads a prompt before the user types."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from lsprotocol import types

from starcoder_lsp.engines import Engine, EngineState, Phase
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import Text
from starcoder_lsp.lsp import handlers
from starcoder_lsp.lsp.documents import OpenDocument
from starcoder_lsp.lsp.server import Server
from starcoder_lsp.settings.options import EngineSettings
from starcoder_lsp.settings.resolve import Layer

URI = "file:///project/add.py"
LOADING, READY = EngineState(Phase.LOADING), EngineState(Phase.READY)


class Editor:
    """One document, and an engine that a test makes ready."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine(["1"])
        self.engine.state = LOADING
        self._tell: Callable[[EngineState], None] = lambda state: None
        self.server = Server(
            Layer("flags", {"model": "starcoder2-3b", "context": False}), self._build
        )
        self.server.protocol.server_capabilities = types.ServerCapabilities()
        lines = ["one\n", "two\n", "three\n", ""]
        self.server.documents.open(OpenDocument(URI, "python", 1, lines))

    def _build(
        self,
        settings: EngineSettings,
        *,
        log_level: str,
        on_state: Callable[[EngineState], None],
        workspace: Path | None,
    ) -> Engine:
        self._tell = on_state
        return self.engine

    def moves(self, line: int) -> None:
        place = {"line": line, "character": 0}
        params = {"textDocument": {"uri": URI}, "position": place}
        handlers._cursor_moved(self.server, params)

    def is_ready(self) -> None:
        self.engine.state = READY
        self._tell(READY)

    async def prefixes_read(self, n_read: int) -> list[str]:
        """Wait for `n_read` prompts, and return the prefix of each."""
        async with asyncio.timeout(10):
            while len(self.engine.prompts) < n_read:
                await asyncio.sleep(0.01)
        last = [prompt.segments[-1] for prompt in self.engine.prompts]
        return [part.text for part in last if isinstance(part, Text)]


async def test_the_prompt_at_the_cursor_is_read_once_the_model_is_loaded() -> None:
    editor = Editor()
    editor.moves(1)
    assert editor.engine.prompts == []
    editor.is_ready()
    assert await editor.prefixes_read(1) == ["one\n"]


async def test_a_new_engine_reads_the_prompt_again() -> None:
    editor = Editor()
    editor.moves(2)
    editor.is_ready()
    await editor.prefixes_read(1)
    await asyncio.sleep(0)
    editor.is_ready()
    assert await editor.prefixes_read(2) == ["one\ntwo\n"] * 2
