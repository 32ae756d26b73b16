"""Reads the data of evaluations: JSON lines or one JSON list, gzipped or not."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starcoder_lsp.errors import ConfigError

Row = Mapping[str, Any]


def read_rows(file: Path) -> list[Row]:
    """Return the objects in a file; raises ConfigError with the line that is not JSON."""
    text = read_text(file)
    if text.lstrip().startswith("["):
        return [row for row in _json(text, str(file)) if isinstance(row, dict)]
    rows: list[Row] = []
    for number, line in enumerate(text.splitlines(), 1):
        row = _json(line, f"{file}:{number}") if line.strip() else None
        if isinstance(row, dict):
            rows.append(row)
    return rows


def read_text(file: Path) -> str:
    """Return the text of a file, unzipped; raises ConfigError if it cannot be read."""
    try:
        raw = file.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        return raw.decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error) as exc:
        raise ConfigError(f"{file} cannot be read: {exc}") from exc


def text_of(row: Row, column: str, data: str) -> str:
    """Return a column; raises ConfigError if this is no row of such `data`."""
    value = row.get(column)
    if not isinstance(value, str):
        raise ConfigError(f"a row has no {column}: is this a file of {data}?")
    return value


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as exc:
        raise ConfigError(f"{place} is not JSON: {exc}") from exc
