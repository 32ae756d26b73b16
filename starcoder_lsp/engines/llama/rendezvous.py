"""The folder where a shared engine and its clients meet; only their user can enter it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from starcoder_lsp import __version__
from starcoder_lsp.engines.llama import messages
from starcoder_lsp.runtime import paths, private_files

# The longest address of a Unix socket that every system accepts: macOS has 104 bytes
# with a zero at the end (sys/un.h), Linux 108.
MAX_ADDRESS_BYTES = 103
MAX_TOKEN_BYTES = 100
# Connections that the kernel accepts before the engine does.
BACKLOG = 128
CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user, group


@dataclass(frozen=True)
class Rendezvous:
    """The files of one engine.

    The process that holds the lock is the engine, or is starting it. The engine writes
    its process id into the lock's file.
    """

    folder: Path
    name: str

    @classmethod
    def of(cls, load: messages.Load) -> Rendezvous:
        """Clients that want the same model with the same settings meet."""
        text = json.dumps([__version__, messages.load_frame(load)], sort_keys=True)
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        return cls(paths.runtime_dir(), name)

    @property
    def address(self) -> Path:
        return self.folder / f"{self.name}.sock"

    @property
    def lock(self) -> Path:
        return self.folder / f"{self.name}.lock"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def try_lock(self) -> int | None:
        """Return a descriptor that holds the lock; None if another process has it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        lock = os.open(self.lock, flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        os.ftruncate(lock, 0)
        return lock

    def sign(self) -> None:
        """Name this process as the one that has the lock."""
        self.lock.write_text(str(os.getpid()), "ascii")

    def kill_engine(self) -> None:
        """Kill the process that has the lock, which need not be able to notice it."""
        if (lock := self.try_lock()) is not None:
            os.close(lock)
            return
        with contextlib.suppress(OSError, ValueError):
            process = int(self.lock.read_text("ascii"))
            if process > 1:  # 0 and below would mean whole groups of processes
                os.kill(process, signal.SIGKILL)

    def new_token(self) -> None:
        private_files.write(self._token, secrets.token_hex(32).encode())

    def token(self) -> str:
        """The text that a client has to show; raises OSError when there is none."""
        return private_files.read(self._token, MAX_TOKEN_BYTES).decode(errors="replace")

    def listen(self) -> socket.socket:
        """The engine's socket; the lock must be held, so that an older one is stale.

        Raises OSError when the address is too long.
        """
        if len(os.fsencode(self.address)) > MAX_ADDRESS_BYTES:
            raise OSError(
                f"{self.address} is too long a name for a socket; set XDG_RUNTIME_DIR"
            )
        self.address.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.address))
        self.address.chmod(0o600)
        listener.listen(BACKLOG)
        return listener

    def clear(self) -> None:
        """Delete what could be mistaken for an engine; the lock must be held."""
        self.address.unlink(missing_ok=True)
        self._token.unlink(missing_ok=True)

    @property
    def _token(self) -> Path:
        return self.folder / f"{self.name}.token"


def is_token(shown: object, token: str) -> bool:
    """Compare in a time that does not depend on where the texts differ."""
    return isinstance(shown, str) and hmac.compare_digest(
        shown.encode(errors="replace"), token.encode()
    )


def is_ours(connection: socket.socket) -> bool:
    """True if the other end is a process of the same user, or the system cannot tell."""
    if sys.platform != "linux":
        return True
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _process, user, _group = CREDENTIALS.unpack(raw)
    return bool(user == os.getuid())
