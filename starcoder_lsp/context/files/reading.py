"""Reads what a stranger may have put on disk, without waiting for it."""

from __future__ import annotations

import os
import stat

FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY


class NotRegular(OSError):
    """A pipe, a device, a socket, a directory."""


class TooLarge(OSError):
    """More bytes than the reader wants to know about."""


def read_regular(path: str, limit_bytes: int) -> tuple[bytes, os.stat_result]:
    """The whole of a file and its status; raises OSError.

    O_NONBLOCK: opening a pipe would wait for its writer. The type is asked of what was
    opened, since a path can change its meaning between two calls; for the same reason
    a link is not followed.
    """
    descriptor = os.open(path, FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular(path)
        if status.st_size > limit_bytes:
            raise TooLarge(path)
        return _read_up_to(descriptor, limit_bytes, path), status
    finally:
        os.close(descriptor)


def _read_up_to(descriptor: int, limit_bytes: int, path: str) -> bytes:
    """Files of /proc say that they are empty and then never end."""
    pieces: list[bytes] = []
    n_bytes = 0
    while piece := os.read(descriptor, 1 << 20):
        n_bytes += len(piece)
        if n_bytes > limit_bytes:
            raise TooLarge(path)
        pieces.append(piece)
    return b"".join(pieces)
