"""Reports stored rows that are damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def decoding() -> Iterator[None]:
    """Raise sqlite3.DatabaseError where a row cannot be decoded.

    SQLite has no checksums: it returns what a damaged page holds, such as no row, a
    number in place of text, or JSON that is cut.

    >>> with decoding():
    ...     (path,) = None
    Traceback (most recent call last):
    sqlite3.DatabaseError: a stored row is damaged
    """
    try:
        yield
    except (TypeError, ValueError, LookupError) as exc:
        raise sqlite3.DatabaseError("a stored row is damaged") from exc
