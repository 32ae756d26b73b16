"""Stores the outcomes of suggestions in a local file, without any source text."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starcoder_lsp.runtime.paths import data_dir

logger = logging.getLogger(__name__)

Record = dict[str, Any]

FILE_NAME = "suggestions.jsonl"
# About 10,000 suggestions; a larger file loses its older half.
MAX_BYTES = 2_000_000
ONLY_MINE = 0o600


class StatisticsStore:
    """A file of JSON lines, one record per suggestion."""

    def __init__(self, file: Path, max_bytes: int = MAX_BYTES) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._is_broken = False

    def append(self, record: Record) -> None:
        """Append a record; after a failed write, log it and store nothing more."""
        if self._is_broken:
            return
        try:
            self._append(json.dumps(record, separators=(",", ":")) + "\n")
        except OSError as exc:
            self._is_broken = True
            logger.warning("no statistics: %s: %s", self._file, exc.strerror)

    def records(self) -> list[Record]:
        """Return all records, without lines that were cut off."""
        return list(self._read())

    def _append(self, line: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self._file, flags, ONLY_MINE)
        with os.fdopen(descriptor, "a", encoding="utf-8") as out:
            out.write(line)
            n_bytes = out.tell()
        if n_bytes > self._max_bytes:
            self._halve()

    def _halve(self) -> None:
        lines = self._file.read_text("utf-8", errors="replace").splitlines(True)
        smaller = self._file.with_suffix(f".{os.getpid()}")
        descriptor = os.open(smaller, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ONLY_MINE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.writelines(lines[len(lines) // 2 :])
        smaller.replace(self._file)

    def _read(self) -> Iterator[Record]:
        try:
            text = self._file.read_text("utf-8", errors="replace")
        except OSError:
            return
        for line in text.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("outcome"), str):
                yield record


def default_store() -> StatisticsStore:
    """Return the user's store, in the data directory."""
    return StatisticsStore(data_dir() / FILE_NAME)
