"""Finds the key of a server: an environment variable, a private file, or the keyring."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from starcoder_lsp.engines.remote.server import RemoteServer
from starcoder_lsp.engines.remote.trouble import Trouble
from starcoder_lsp.runtime import private_files
from starcoder_lsp.runtime.child_output import child_output

MAX_KEY_BYTES = 16_384
# The user may have to type a password.
KEYRING_PATIENCE_S = 60.0
# What may stand in a header (RFC 9110, 5.5) after "Bearer ".
KEY = re.compile(r"[\x21-\x7e]{1,8192}")


async def key_of(server: RemoteServer) -> str:
    """Return the key of a server; "" for one without. Raises Trouble, never with the key.

    It is read each time a connection is made, so that a new key needs no restart of the
    editor.
    """
    if server.key_env:
        key = os.environ.get(server.key_env, "")
        where = f"the environment variable {server.key_env}"
    elif server.key_file:
        key = _from_file(server.key_file)
        where = f"the file {server.key_file}"
    elif server.key_ring:
        key = await _from_keyring(server.key_ring)
        where = f"the entry {server.key_ring} of the keyring"
    else:
        return ""
    key = key.strip()
    if not key:
        raise Trouble("no key", f"{where} holds no key")
    if not KEY.fullmatch(key):
        raise Trouble("no key", f"{where} holds no key, but other text")
    return key


def _from_file(name: str) -> str:
    path = Path(name).expanduser()
    try:
        # The mode of the file that a link leads to is the one that counts.
        mode = path.stat().st_mode
        if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o077:
            raise Trouble(
                "no key", f"others can read the key in {path}; run: chmod 600 {path}"
            )
        content = private_files.read(Path(os.path.realpath(path)), MAX_KEY_BYTES)
        return content.decode()
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise Trouble("no key", f"the key in {path} cannot be read: {reason}") from None
    except UnicodeDecodeError:
        raise Trouble("no key", f"the file {path} holds no key") from None


async def _from_keyring(entry: str) -> str:
    """Ask the system's keyring, in a process of its own: it may ask the user first."""
    service, _, user = entry.partition("/")
    try:
        answer = await child_output(
            "keyring", "get", service, user, patience_s=KEYRING_PATIENCE_S
        )
    except TimeoutError:
        raise Trouble("no key", "the system's keyring does not answer") from None
    except OSError:
        raise Trouble("no key", "the system's keyring cannot be asked") from None
    if answer is None:
        raise Trouble(
            "no key",
            f"the keyring has no entry {entry}, or the package keyring is missing: "
            "pip install 'starcoder-lsp[keyring]'",
        )
    return answer
