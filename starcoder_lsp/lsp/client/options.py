"""Reads what a client says about itself when it initializes the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

NOTIFICATIONS, TRUSTED = "notifications", "trusted"
NAMES = frozenset((NOTIFICATIONS, TRUSTED))
# Clients that show ghost text and do not say so in their capabilities, by name.
GHOST_TEXT_UNDECLARED = {
    "emacs": "lsp-mode 10 sends `inlineCompletion: null`",
}


@dataclass(frozen=True)
class ClientOptions:
    """`notifications`: the notifications outside LSP that the client understands.

    `is_trusted`: the user trusts the workspace, so that the settings files of its
    projects apply.
    """

    notifications: frozenset[str] = frozenset()
    is_trusted: bool = True


def client_options_of(options: Any) -> ClientOptions:
    """Read the options of a client, which may be beside its settings or among them.

    A value of the wrong type asks for nothing and trusts nothing.
    """
    found: dict[str, Any] = {}
    for layer in _layers(options):
        found |= {name: layer[name] for name in NAMES & layer.keys()}
    names = found.get(NOTIFICATIONS)
    names = names if isinstance(names, list) else []
    return ClientOptions(
        frozenset(name for name in names if isinstance(name, str)),
        found.get(TRUSTED, True) is True,
    )


def settings_in(options: Any) -> Any:
    """Return the settings in `initializationOptions`, without the client's own options."""
    layers = _layers(options)
    if not layers:
        return options
    return {name: value for name, value in layers[-1].items() if name not in NAMES}


def needs_popup(params: types.InitializeParams) -> bool:
    """Return whether a client shows suggestions only in its completion menu.

    Others are not offered both: VS Code would ask twice, and lsp-mode would never ask for
    ghost text.
    """
    text_document = params.capabilities.text_document
    if text_document and text_document.inline_completion:
        return False
    name = params.client_info.name if params.client_info else ""
    return name not in GHOST_TEXT_UNDECLARED


def _layers(options: Any) -> list[Mapping[str, Any]]:
    """Return the objects that may hold options; the last one holds the settings."""
    if not isinstance(options, dict):
        return []
    inner = options.get("starcoder")
    return [options, inner] if isinstance(inner, dict) else [options]
