"""Reads untrusted files without ever waiting for them."""

from __future__ import annotations

import os
import stat

FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY


class NotRegular(OSError):
    """The path is a pipe, a device, a socket or a directory."""


class FileTooLarge(OSError):
    """The file has more bytes than the reader's limit."""


def read_regular(path: str, limit_bytes: int) -> tuple[bytes, os.stat_result]:
    """Return all bytes of a file and its status; raises OSError.

    O_NONBLOCK, because opening a pipe would wait for its writer. The type is that of the
    opened file, since a path can change its meaning between two calls; for the same
    reason links are not followed.
    """
    descriptor = os.open(path, FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular(path)
        if status.st_size > limit_bytes:
            raise FileTooLarge(path)
        return _read_up_to(descriptor, limit_bytes, path), status
    finally:
        os.close(descriptor)


def _read_up_to(descriptor: int, limit_bytes: int, path: str) -> bytes:
    """Read up to the limit, not to the stated size: files of /proc state 0 and never end."""
    pieces: list[bytes] = []
    n_bytes = 0
    while piece := os.read(descriptor, 1 << 20):
        n_bytes += len(piece)
        if n_bytes > limit_bytes:
            raise FileTooLarge(path)
        pieces.append(piece)
    return b"".join(pieces)
