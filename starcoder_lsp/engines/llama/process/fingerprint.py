"""Names for measured speeds and saved KV caches, made of everything they depend on."""

from __future__ import annotations

import hashlib
from pathlib import Path

# A model that was replaced in place, with its time kept, differs at its start or end.
SAMPLED_BYTES = 1 << 16


def of_model(path: Path) -> str:
    """Return a text that changes with the file; raises OSError when it is gone."""
    status = path.stat()
    with path.open("rb") as file:
        start = file.read(SAMPLED_BYTES)
        file.seek(max(0, status.st_size - SAMPLED_BYTES))
        end = file.read(SAMPLED_BYTES)
    sample = hashlib.sha256(start + end).hexdigest()[:16]
    return f"{path} {status.st_size} {status.st_mtime_ns} {sample}"


def cache_key(*parts: object) -> str:
    """Return the name of a file or an entry that depends on `parts`."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]
