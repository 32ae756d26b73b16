"""Logging that never shows source text above DEBUG and never touches stdout."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LEVELS = ("error", "warning", "info", "debug")

# pygls logs each message it sends, code included, at INFO.
CHATTY = ("pygls", "asyncio", "httpx2", "httpcore2", "huggingface_hub")


def set_up(level: str = "warning", file: Path | None = None) -> None:
    """Send our log to stderr, or to `file` (private to the user, rotated at 5 MB)."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        from logging.handlers import RotatingFileHandler  # slow, and seldom needed

        file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(file, maxBytes=5_000_000, backupCount=1)
        file.chmod(0o600)
    handler.setFormatter(logging.Formatter(FORMAT))
    ours = logging.getLogger("starcoder_lsp")
    ours.handlers[:] = [handler]
    ours.setLevel(level.upper())
    ours.propagate = False
    # A full or closed stderr must not end a request with a traceback of its own.
    logging.raiseExceptions = False
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("pygls").addHandler(logging.NullHandler())
    logging.getLogger("pygls").propagate = False
