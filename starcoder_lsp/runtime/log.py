"""Logging that never shows source text above DEBUG and never touches stdout.

The front decides what is logged and where (`set_up`); child processes are told by a frame
(`frame`) and do the same (`follow`), also when it changes while they run.
"""

from __future__ import annotations

import logging
import os
import select
import sys
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Protocol, TextIO
from weakref import WeakSet

from starcoder_lsp.runtime.printable import printable

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
MAX_FILE_BYTES = 5_000_000
LEVELS = ("error", "warning", "info", "debug")

# pygls logs each message it sends, code included, at INFO.
CHATTY = ("pygls", "asyncio", "httpx2", "httpcore2", "huggingface_hub")


@dataclass(frozen=True)
class LogTarget:
    """The log level and the log file; a file of None means stderr."""

    level: str = "warning"
    file: Path | None = None


class Follower(Protocol):
    """Hears of each change of the target; see `runtime/supervisor.py`."""

    def follow_log(self) -> None: ...


_target = LogTarget()
followers: WeakSet[Follower] = WeakSet()


class OneLine(logging.Formatter):
    """Keeps a message on its line: the name of a file may hold line ends and worse."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        lines = super().formatException(ei).split("\n")
        return "\n".join(map(printable, lines))


class StderrHandler(logging.StreamHandler[TextIO]):
    """Drops lines that nobody reads: an editor that reads no log must not stop us."""

    def emit(self, record: logging.LogRecord) -> None:
        if _takes_more(self.stream):
            super().emit(record)


def _takes_more(stream: TextIO) -> bool:
    """Return whether `stream` takes a line without waiting for its reader."""
    try:
        if not hasattr(select, "poll"):
            return True
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLOUT)
        return bool(poll.poll(0))
    except (OSError, ValueError):  # no file, or closed
        return True


def target() -> LogTarget:
    """Return the level and file in use."""
    return _target


def set_up(level: str = "warning", file: Path | None = None) -> None:
    """Send our log to stderr, or to `file` (private to the user, rotated at 5 MB).

    Raises OSError when the file cannot be written; the log stays where it was.
    """
    _change(LogTarget(level, file), rotates=True)


def frame() -> dict[str, Any]:
    """Tells a child process to log as this one does."""
    file = None if _target.file is None else str(_target.file)
    return {"op": "log", "level": _target.level, "file": file}


def target_from(received: dict[str, Any]) -> LogTarget:
    """Read such a frame; raises LookupError, TypeError or ValueError."""
    level, file = received["level"], received["file"]
    if level not in LEVELS:
        raise ValueError("an unknown log level")
    return LogTarget(level, None if file is None else Path(file))


def follow(wanted: LogTarget) -> None:
    """Log as the parent process does, into the same file, which only it rotates."""
    try:
        _change(wanted, rotates=False)
    except OSError as exc:
        logging.getLogger(__name__).warning("%s: %s", wanted.file, exc.strerror)


def _change(wanted: LogTarget, *, rotates: bool) -> None:
    global _target
    handler: logging.Handler = StderrHandler(sys.stderr)
    if wanted.file is not None:
        handler = _file_handler(wanted.file, rotates=rotates)
    handler.setFormatter(OneLine(FORMAT))
    ours = logging.getLogger("starcoder_lsp")
    older, ours.handlers[:] = list(ours.handlers), [handler]
    for one in older:
        one.close()
    ours.setLevel(wanted.level.upper())
    ours.propagate = False
    # A full or closed stderr must not end a request with a traceback of its own.
    logging.raiseExceptions = False
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    pygls = logging.getLogger("pygls")
    pygls.handlers[:] = [logging.NullHandler()]
    pygls.propagate = False
    _target = wanted
    for follower in tuple(followers):
        follower.follow_log()


def _file_handler(file: Path, *, rotates: bool) -> logging.Handler:
    from logging.handlers import (  # slow, and seldom needed
        RotatingFileHandler,
        WatchedFileHandler,
    )

    def private(path: str, flags: int) -> int:
        return os.open(path, flags, 0o600)

    class PrivateFile(logging.FileHandler):
        def _open(self) -> TextIOWrapper:
            return open(self.baseFilename, "a", encoding="utf-8", opener=private)

    class PrivateRotatingFile(PrivateFile, RotatingFileHandler): ...

    class PrivateSharedFile(PrivateFile, WatchedFileHandler):
        """Opens the file again when another process has rotated it."""

    file.parent.mkdir(parents=True, exist_ok=True)
    if rotates:
        return PrivateRotatingFile(file, maxBytes=MAX_FILE_BYTES, backupCount=1)
    return PrivateSharedFile(file)
