"""Reads and writes an editor's file, and keeps a copy of what was there."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from starcoder_lsp.errors import ConfigError

MAX_BYTES = 1_000_000


def read(file: Path) -> str:
    """Return the text of a file, empty if there is none; raises ConfigError."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{file} is larger than {MAX_BYTES} bytes")
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{file} is not UTF-8; add the lines by hand") from exc


def write(file: Path, text: str) -> Path | None:
    """Replace the text of a file at once; return the copy of the old one, if any.

    A link stays a link. Raises ConfigError.
    """
    file = Path(os.path.realpath(file))
    partial = file.with_name(f"{file.name}.partial")
    backup = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            backup = file.with_name(f"{file.name}.{time.strftime('%Y%m%d-%H%M%S')}.bak")
            shutil.copy2(file, backup)
        partial.write_bytes(text.encode("utf-8"))
        if backup is not None:
            shutil.copymode(backup, partial)
        partial.replace(file)
    except OSError as exc:
        raise ConfigError(f"{file} cannot be written: {exc.strerror}") from exc
    return backup
