"""What measured speeds and saved caches belong to: they fit nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

# A model that was replaced in place, with its time kept, differs here.
SAMPLED_BYTES = 1 << 16


def of_model(path: Path) -> str:
    """Another text for another file, or for the same one after it was changed."""
    status = path.stat()
    with path.open("rb") as file:
        start = file.read(SAMPLED_BYTES)
        file.seek(max(0, status.st_size - SAMPLED_BYTES))
        end = file.read(SAMPLED_BYTES)
    sample = hashlib.sha256(start + end).hexdigest()[:16]
    return f"{path} {status.st_size} {status.st_mtime_ns} {sample}"


def key(*parts: object) -> str:
    """A name for a file or an entry, from everything that has to agree."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]
