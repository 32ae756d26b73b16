"""Opens the index on disk, or in memory where the disk cannot be used.

One process writes and holds a file lock, the others read along. Only the writer replaces
a damaged index, also one that a reader has reported; a healthy or busy one is never
deleted.
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

from starcoder_lsp.runtime import private_files

logger = logging.getLogger(__name__)

BUSY_MS = 250
CACHE_KIB = 16_000
# Of the log that goes before the database: to copy it there waits for the disk.
CHECKPOINT_PAGES = 8_000
DAMAGED_CODES = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
STATE = "application_id"
CLEAN, IN_USE = 1, 2
NEW = 0
MAX_REPORT_BYTES = 100

# The device and inode of a file.
Identity = tuple[int, int]


@dataclass
class Database:
    """A connection to an index, on disk or in memory.

    `identity` is that of the file when it was opened. A `file` without one is waited
    for: the connection leads to an empty index in memory until its writer has begun.
    """

    connection: sqlite3.Connection
    file: Path | None = None
    lock: int | None = None
    identity: Identity | None = None

    @property
    def is_writer(self) -> bool:
        """Only the writer changes the file; an index in memory has no other user."""
        return self.file is None or self.lock is not None

    @property
    def is_waiting(self) -> bool:
        return self.file is not None and self.identity is None

    @property
    def is_replaced(self) -> bool:
        """True if another file, or none, has taken the place of the one that is open."""
        if self.file is None:
            return False
        try:
            return self.identity != _identity_of(self.file)
        except OSError:  # the disk does not answer now
            return False

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
    """Return whether an error means damage; then the index has to be built again."""
    # Text that is no UTF-8 is found by Python's own code, which gives no number.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return isinstance(error, sqlite3.DatabaseError) and code & 0xFF in DAMAGED_CODES


def reason_of(error: Exception) -> str:
    """Name an error for the log: SQLite's own messages may quote the text of a file."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", type(error).__name__)
    return str(error)


def file_of(root: str, folder: Path) -> Path:
    """Return the file in `folder` that holds the index of the workspace folder `root`."""
    key = hashlib.sha256(os.fsencode(root)).hexdigest()[:24]
    return folder / f"{key}.sqlite"


def open_index(root: str, folder: Path, version: int) -> Database:
    """The index of `root`, empty when there was none of this version."""
    try:
        _make_private(folder)
        file = file_of(root, folder)
        lock = _lock(file.with_suffix(".lock"))
    except OSError as exc:
        logger.warning("the index is kept in memory: %s", reason_of(exc))
        return in_memory()
    try:
        if lock is None:
            return _open_as_reader(file, version)
        return _open_as_writer(file, lock, version)
    except (sqlite3.Error, OSError) as exc:
        logger.warning("the index is kept in memory: %s", reason_of(exc))
        if lock is not None:
            os.close(lock)
        return in_memory()


def in_memory() -> Database:
    return Database(sqlite3.connect(":memory:", isolation_level=None))


def waiting_for(file: Path) -> Database:
    """An empty index, in place of one that another process writes and has yet to begin."""
    return Database(sqlite3.connect(":memory:", isolation_level=None), file)


def has_writer(file: Path) -> bool:
    """Return whether another process holds the writer's lock; raises OSError."""
    lock = _lock(file.with_suffix(".lock"))
    if lock is None:
        return True
    os.close(lock)
    return False


def report_damage(database: Database) -> None:
    """Tell the writer that what this reader has opened is damaged."""
    if database.file is not None and database.identity is not None:
        _report(database.file, database.identity)


def is_reported_damaged(database: Database) -> bool:
    """Return whether a reader has reported damage in the open file; for its writer.

    The report is removed: it counts once, and only for the file that it is about.
    """
    if database.file is None or database.identity is None:
        return False
    report = _report_file(database.file)
    try:
        reported = private_files.read(report, MAX_REPORT_BYTES)
        report.unlink()
    except OSError:
        return False
    return reported == _report_text(database.identity)


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


def _open_as_writer(file: Path, lock: int, version: int) -> Database:
    try:
        connection = _connect(file, version)
    except sqlite3.DatabaseError as exc:
        if not is_damage(exc):
            raise
        logger.warning("the index is damaged and built again: %s", reason_of(exc))
        _rename_all(file)
        connection = _connect(file, version)
    return Database(connection, file, lock, _identity_of(file))


def _open_as_reader(file: Path, version: int) -> Database:
    """Another process writes; until it has begun there is nothing to read.

    Raises sqlite3.OperationalError when the writer makes another version.
    """
    identity = _identity_of(file)
    if identity is None:
        return waiting_for(file)
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        (found,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as exc:
        if is_damage(exc):
            _report(file, identity)
        found = NEW
    if found == version:
        return Database(connection, file, None, identity)
    connection.close()
    if found != NEW:
        raise sqlite3.OperationalError("another version of us writes it")
    return waiting_for(file)


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


def _identity_of(file: Path) -> Identity | None:
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def _report(file: Path, identity: Identity) -> None:
    with contextlib.suppress(OSError):
        private_files.write(_report_file(file), _report_text(identity))


def _report_file(file: Path) -> Path:
    return file.with_suffix(".damage")


def _report_text(identity: Identity) -> bytes:
    return ":".join(map(str, identity)).encode()
