"""Remembers which server may read which workspace, so that the user is told once."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from starcoder_lsp.engines.remote.server import RemoteServer
from starcoder_lsp.runtime import private_files
from starcoder_lsp.runtime.paths import data_dir, user_config_file

FILE = "servers-told"
# A line is a hash of 64 characters; an older file than this begins anew.
MAX_BYTES = 1_000_000


def is_first(server: RemoteServer, workspace: Path | None) -> bool:
    """Return whether the address was never used in a workspace; it is remembered now."""
    # The folder is not looked at: it may be on a disk that does not answer.
    place = f"{server.url}\n{workspace or ''}"
    mark = hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()
    path = data_dir() / FILE
    known = b""
    with contextlib.suppress(OSError):
        known = private_files.read(path, MAX_BYTES)
    if mark.encode() in known.split():
        return False
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        private_files.write(path, known, mark.encode(), b"\n")
    return True


def notice(
    server: RemoteServer,
    workspace: Path | None,
    *,
    hides_secrets: bool,
    shows_others: bool,
) -> str:
    """Return what the user is told: the address, and what may be shown to it."""
    others = f" and parts of other files in {workspace}" if workspace else ""
    secrets = (
        "what looks like a credential is replaced first"
        if hides_secrets
        else "credentials too, because hide_secrets is off"
    )
    return (
        f"the engine {server.name} sends the text around your cursor"
        f"{others if shows_others else ''} to {server.url}; {secrets}. Files that git "
        'ignores, and files that are made for secrets, are not sent. engine = "local" '
        f"in {user_config_file()} keeps everything on this machine"
    )
