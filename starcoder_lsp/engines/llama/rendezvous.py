"""Where the clients of a shared engine meet it: a folder that only their user can enter."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from starcoder_lsp.runtime import private_files

# What the kernel takes as the address of a Unix socket, on the narrowest system.
MAX_ADDRESS_BYTES = 103
MAX_TOKEN_BYTES = 100
CREDENTIALS = struct.Struct("3i")  # process, user, group


@dataclass(frozen=True)
class Rendezvous:
    """The files of one engine; whoever holds the lock is it, or is starting it."""

    folder: Path
    name: str

    @property
    def address(self) -> Path:
        return self.folder / f"{self.name}.sock"

    @property
    def lock(self) -> Path:
        return self.folder / f"{self.name}.lock"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def new_token(self) -> None:
        private_files.write(self._token, secrets.token_hex(32).encode())

    def token(self) -> str:
        """What a client has to show; raises OSError where there is none."""
        return private_files.read(self._token, MAX_TOKEN_BYTES).decode(errors="replace")

    def knows(self, token: object) -> bool:
        return isinstance(token, str) and hmac.compare_digest(
            token.encode(errors="replace"), self.token().encode()
        )

    def listen(self) -> socket.socket:
        """The engine's end; the lock must be held, so that what is there is stale."""
        if len(os.fsencode(self.address)) > MAX_ADDRESS_BYTES:
            raise OSError(
                f"{self.address} is too long a name for a socket; set XDG_RUNTIME_DIR"
            )
        self.address.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.address))
        self.address.chmod(0o600)
        listener.listen(16)
        return listener

    def clear(self) -> None:
        """Leave nothing that could be mistaken for an engine; the lock must be held."""
        self.address.unlink(missing_ok=True)
        self._token.unlink(missing_ok=True)

    @property
    def _token(self) -> Path:
        return self.folder / f"{self.name}.token"


def is_ours(connection: socket.socket) -> bool:
    """Whether the other end is a process of the same user, where the system tells."""
    if sys.platform != "linux":
        return True
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _process, user, _group = CREDENTIALS.unpack(raw)
    return bool(user == os.getuid())
