"""Lets a router send the requests of one user and workspace to one replica.

Only there is the prompt's beginning in the KV cache. The id is a hash of a random secret
of this installation, so that it tells nothing about the user or the folder, and stays
the same over restarts.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from starcoder_lsp.runtime import private_files
from starcoder_lsp.runtime.paths import data_dir

SECRET_FILE = "installation.key"
SECRET_BYTES = 32
# vllm-router and Ray Serve read the first, SMG the second; any header suits nginx.
HEADERS = ("X-Session-ID", "X-SMG-Routing-Key")


def headers(workspace: Path | None) -> Mapping[str, str]:
    """Return the headers that name a workspace of this installation."""
    # The folder is not looked at: it may be on a disk that does not answer.
    folder = str(workspace.absolute()) if workspace else ""
    session = hmac.new(_secret(), os.fsencode(folder), hashlib.sha256).hexdigest()[:32]
    return dict.fromkeys(HEADERS, session)


def _secret() -> bytes:
    """Return the secret of this installation; a new one where none can be kept."""
    path = data_dir() / SECRET_FILE
    with contextlib.suppress(OSError):
        found = private_files.read(path, SECRET_BYTES)
        if len(found) == SECRET_BYTES:
            return found
    fresh = secrets.token_bytes(SECRET_BYTES)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        private_files.write(path, fresh)
    return fresh
