"""The form of `engines`: the remote servers that the user has defined, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starcoder_lsp.errors import ConfigError
from starcoder_lsp.settings.forms import Form, Value

if TYPE_CHECKING:
    from starcoder_lsp.engines.remote.server import RemoteServer

HIDDEN = "…"


def servers_of(value: Value) -> tuple[RemoteServer, ...]:
    """Return the servers that `engines` defines; raises ConfigError with what is wrong."""
    if not value:
        return ()
    # Few users have any, and all wait for the start.
    from starcoder_lsp.engines.remote.server import server_of

    return tuple(server_of(name, table) for name, table in value.items())


def _why_not(value: Value) -> str:
    """Return what is wrong with a server; "" if all are right, or there are none."""
    if not isinstance(value, Mapping):
        return ""
    try:
        servers_of(value)
    except ConfigError as exc:
        return str(exc)
    return ""


def _from_text(text: str) -> Value:
    import tomllib

    return tomllib.loads(f"engines = {text}")["engines"]


def _public(value: Value) -> Value:
    """Return `engines` without the values of headers, which may be secrets."""
    return {
        name: {
            key: dict.fromkeys(one, HIDDEN) if key == "headers" else one
            for key, one in table.items()
        }
        for name, table in value.items()
    }


SERVERS = Form(
    "tables such as [engines.work], see docs/team.md",
    accepts=lambda value: isinstance(value, Mapping) and not _why_not(value),
    from_text=_from_text,
    schema={"type": "object", "additionalProperties": {"type": "object"}},
    why_not=_why_not,
    public=_public,
)
