"""Logging that never shows source text above DEBUG and never touches stdout."""

from __future__ import annotations

import logging
import os
import sys
from io import TextIOWrapper
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MAX_FILE_BYTES = 5_000_000
LEVELS = ("error", "warning", "info", "debug")

# pygls logs each message it sends, code included, at INFO.
CHATTY = ("pygls", "asyncio", "httpx2", "httpcore2", "huggingface_hub")


class OneLine(logging.Formatter):
    """A file's name may hold line ends and worse; what it says stays on its line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return shown(super().formatMessage(record))


def shown(text: str) -> str:
    r"""`text` with an escape for each character that does not print.

    >>> shown("a\nb\u202e é")
    'a\\nb\\u202e é'
    """
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def set_up(level: str = "warning", file: Path | None = None) -> None:
    """Send our log to stderr, or to `file` (private to the user, rotated at 5 MB).

    Raises OSError when the file cannot be written; the log stays where it was.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        handler = _file_handler(file)
    handler.setFormatter(OneLine(FORMAT))
    ours = logging.getLogger("starcoder_lsp")
    for older in ours.handlers:
        older.close()
    ours.handlers[:] = [handler]
    ours.setLevel(level.upper())
    ours.propagate = False
    # A full or closed stderr must not end a request with a traceback of its own.
    logging.raiseExceptions = False
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("pygls").addHandler(logging.NullHandler())
    logging.getLogger("pygls").propagate = False


def _file_handler(file: Path) -> logging.Handler:
    from logging.handlers import RotatingFileHandler  # slow, and seldom needed

    class PrivateFileHandler(RotatingFileHandler):
        def _open(self) -> TextIOWrapper:
            def private(path: str, flags: int) -> int:
                return os.open(path, flags, 0o600)

            return open(self.baseFilename, "a", encoding="utf-8", opener=private)

    file.parent.mkdir(parents=True, exist_ok=True)
    return PrivateFileHandler(file, maxBytes=MAX_FILE_BYTES, backupCount=1)
