"""Sends notifications that LSP does not have, to clients that asked for them.

Clients log or show a warning for each notification that they do not know.
"""

from __future__ import annotations

from typing import Any

from pygls.lsp.server import LanguageServer

STATUS = "didChangeStatus"  # copilot-language-server's name and shape
SUGGESTION_READY = "starcoder/suggestionReady"


class CustomNotifications:
    """The notifications in `wanted`; `send` drops all others."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server
        self.wanted: frozenset[str] = frozenset()

    def send(self, name: str, params: dict[str, Any]) -> None:
        if name in self.wanted:
            self._server.protocol.notify(name, params)
