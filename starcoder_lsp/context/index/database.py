"""Opens the index on disk, or in memory where that cannot be.

One process writes, the others read along; a file lock says who. What is damaged is put
aside and built again, what is only busy is left alone: a healthy index is never deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import sqlite3
import stat
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

BUSY_MS = 250
CACHE_KIB = 16_000
# Of the log that goes before the database: to copy it there waits for the disk.
CHECKPOINT_PAGES = 8_000
DAMAGED_CODES = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
STATE = "application_id"
CLEAN, IN_USE = 1, 2
NEW = 0


@dataclass
class Database:
    """A connection, and what may be done with it.

    Only a writer changes what is on disk; what is in memory has no other user.
    """

    connection: sqlite3.Connection
    file: Path | None = None
    lock: int | None = None

    @property
    def is_writer(self) -> bool:
        return self.file is None or self.lock is not None

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self.file is not None and self.lock is not None:
                self.connection.commit()
                self.connection.execute(f"PRAGMA {STATE} = {CLEAN}")
            self.connection.close()
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an index has to be built again, as opposed to being left alone."""
    # Text that is no UTF-8 is found by Python's own code, which gives no number.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return isinstance(error, sqlite3.DatabaseError) and code & 0xFF in DAMAGED_CODES


def file_of(root: str, folder: Path) -> Path:
    """Where the index of the workspace folder `root` lies in `folder`."""
    key = hashlib.sha256(os.fsencode(root)).hexdigest()[:24]
    return folder / f"{key}.sqlite"


def open_index(root: str, folder: Path, version: int) -> Database:
    """The index of `root`, empty when there was none of this version."""
    try:
        _make_private(folder)
        file = file_of(root, folder)
        lock = _lock(file.with_suffix(".lock"))
    except OSError as exc:
        logger.warning("the index is kept in memory: %s", exc)
        return in_memory()
    try:
        return _open_locked(file, lock, version)
    except (sqlite3.Error, OSError) as exc:
        logger.warning("the index is kept in memory: %s", exc)
        if lock is not None:
            os.close(lock)
        return in_memory()


def in_memory() -> Database:
    return Database(sqlite3.connect(":memory:", isolation_level=None))


def put_aside(database: Database) -> None:
    """Close a damaged index and rename its file; the next one starts empty."""
    if database.file is not None and database.lock is not None:
        with contextlib.suppress(OSError):
            _rename_all(database.file)
    with contextlib.suppress(sqlite3.Error):
        database.connection.close()
    if database.lock is not None:
        os.close(database.lock)
        database.lock = None


def _open_locked(file: Path, lock: int | None, version: int) -> Database:
    if lock is None:
        return _open_as_reader(file, version)
    try:
        return Database(_connect(file, version), file, lock)
    except sqlite3.DatabaseError as exc:
        if not is_damage(exc):
            raise
        logger.warning("the index is damaged and built again: %s", exc)
        _rename_all(file)
        return Database(_connect(file, version), file, lock)


def _open_as_reader(file: Path, version: int) -> Database:
    """Another process writes; until it has begun there is nothing to read."""
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    connection.isolation_level = None
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found not in (version, NEW):
            raise sqlite3.OperationalError("another version of us writes it")
    except BaseException:
        connection.close()
        raise
    return Database(connection, file)


def _connect(file: Path, version: int) -> sqlite3.Connection:
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}").fetchone()
        _check(connection)
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found != version:
            _empty(connection)
            connection.execute(f"PRAGMA user_version = {version}")
        connection.execute(f"PRAGMA {STATE} = {IN_USE}")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Look through an index whose last user did not say goodbye."""
    (state,) = connection.execute(f"PRAGMA {STATE}").fetchone()
    if state == IN_USE:
        (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if answer != "ok":
            raise sqlite3.DatabaseError(answer)


def _empty(connection: sqlite3.Connection) -> None:
    """Drop what another version made."""
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
        "ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'"
    ).fetchall()
    for (name,) in rows:
        connection.execute(f'DROP TABLE IF EXISTS "{name}"')
    connection.execute("VACUUM")


def _make_private(folder: Path) -> None:
    """Make the folder ours alone; raises OSError when another could change it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not is_ours or stat.S_IMODE(status.st_mode) & 0o022:
        raise PermissionError(f"others can write to {folder}")


def _lock(file: Path) -> int | None:
    """A descriptor that holds the lock, None when another process has it."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(file, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _rename_all(file: Path) -> None:
    for end in ("", "-wal", "-shm"):
        part = Path(f"{file}{end}")
        if part.exists():
            part.replace(f"{file}.damaged{end}")
