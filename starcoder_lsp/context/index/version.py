"""The version of stored indexes: a hash of the sources that decide their content.

A changed language, query, secret format or schema makes older indexes stale by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2]
DECIDING = (
    "languages",
    "context/symbols.py",
    "context/worker_process.py",
    "context/index",
    "context/secrets",
    "context/syntax",
)
SUFFIXES = frozenset((".py", ".scm", ".sql", ".toml"))
# SQLite keeps `user_version` in a signed 32-bit integer; 0 is that of a new file.
N_BITS = 31


@cache
def index_version() -> int:
    """Return the version that this installation writes and reads."""
    return version_of(PACKAGE / part for part in DECIDING)


def version_of(parts: Iterable[Path]) -> int:
    """Hash the sources in `parts`, which are files and folders."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        for file in sorted(part.rglob("*")) if part.is_dir() else (part,):
            if file.suffix in SUFFIXES:
                source = file.read_bytes()
                digest.update(f"{file.name} {len(source)} ".encode() + source)
    return int.from_bytes(digest.digest(), "big") % (1 << N_BITS) or 1
