"""Files that only this user can read and change, and that are never half written."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path


def folder(path: Path) -> Path:
    """Make a directory for this user only; raises OSError if it belongs to another."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "is not a directory", str(path))
    _check_owner(status, path)
    if status.st_mode & 0o077:
        path.chmod(0o700)
    return path


def write(path: Path, *chunks: bytes | bytearray | memoryview) -> None:
    """Replace a file in one step; an OSError leaves the older file as it was."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def read(path: Path, max_bytes: int) -> bytes:
    """Read a file of this user; raises OSError for links, pipes and large files."""
    # To open a pipe would wait for its writer, and a link may lead anywhere.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is not a file", str(path))
        _check_owner(status, path)
        if status.st_size > max_bytes:
            raise OSError(errno.EFBIG, "is too large", str(path))
        return file.read(max_bytes)


def _check_owner(status: os.stat_result, path: Path) -> None:
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        raise PermissionError(errno.EPERM, "belongs to another user", str(path))
