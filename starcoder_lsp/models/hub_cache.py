"""Finds files that other programs have downloaded with huggingface_hub.

Its cache: https://huggingface.co/docs/huggingface_hub/guides/manage-cache. The package is
not imported, because the server looks here before each start of an engine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from starcoder_lsp.models.registry import HubFile


def root() -> Path:
    """Return the directory of the cache, by the variables of huggingface_hub."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named)
    if named := os.environ.get("HF_HOME"):
        return Path(named) / "hub"
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "huggingface" / "hub"


def find(source: HubFile, size_bytes: int | None) -> Path | None:
    """Return the file of `source` with the pinned revision and size, if it is there."""
    for path in _snapshots(source):
        try:
            found = path.stat().st_size
        except OSError:  # a link to a file that is gone
            continue
        if size_bytes in (None, found) and found:
            return path
    return None


def _snapshots(source: HubFile) -> Iterator[Path]:
    folder = root() / f"models--{source.repository.replace('/', '--')}" / "snapshots"
    if source.revision:
        yield folder / source.revision / source.file
        return
    with contextlib.suppress(OSError):
        yield from [snapshot / source.file for snapshot in folder.iterdir()]
