"""Keeps the result of each row in a file, so that an interrupted evaluation continues."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from starcoder_lsp.errors import ConfigError

Entry = Mapping[str, Any]


class Journal:
    """The results of one evaluation by the key of their row; without a file, in memory.

    The first line of the file says what was measured. Raises ConfigError if a file holds
    results of something else.
    """

    def __init__(self, file: Path | None, measured: Mapping[str, Any]) -> None:
        self._file = file
        self._measured = {"measured": dict(measured)}
        self.entries: dict[str, Entry] = {}
        if file is None:
            return
        text = _read(file)
        if not text:
            self._write(json.dumps(self._measured), mode="w")
            return
        lines = list(_complete_lines(text))
        if lines[:1] != [json.loads(json.dumps(self._measured))]:
            raise ConfigError(
                f"{file} holds the results of another evaluation, of other data or "
                "other settings; name another file for --results, or remove this one"
            )
        self.entries = {one["key"]: one["entry"] for one in lines[1:]}
        # The last line may be incomplete, if the evaluation was killed.
        complete = "\n".join(map(json.dumps, lines))
        self._write(complete, mode="w")

    def add(self, key: str, entry: Entry) -> None:
        self.entries[key] = entry
        self._write(json.dumps({"key": key, "entry": entry}), mode="a")

    def _write(self, text: str, mode: str) -> None:
        if self._file is None:
            return
        try:
            with self._file.open(mode, encoding="utf-8") as out:
                out.write(text + "\n")
        except OSError as exc:
            raise ConfigError(f"{self._file} cannot be written: {exc}") from exc


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror}") from exc


def _complete_lines(text: str) -> Iterator[Any]:
    """Yield the objects in the lines, up to the first line that was not written whole."""
    for line in filter(None, text.split("\n")):
        try:
            yield json.loads(line)
        except ValueError:
            return
