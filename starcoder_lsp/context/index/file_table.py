"""The files of a workspace by path, module and package, and the files that define a name.

The same questions come for every line of a file. Answers are cached until a file appears,
disappears or defines other names.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

MAX_ANSWERS = 20_000

T = TypeVar("T")
P = ParamSpec("P")


def remembered(ask: Callable[P, T]) -> Callable[P, T]:
    """Decorate a method of `FileTable`, so that its answers are cached by its arguments."""

    @wraps(ask)
    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        directory = cast(FileTable, args[0])
        return directory.recall(ask, args[1:])

    return answer


class FileTable:
    """The tables `file` and `name` of one database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = connection
        self._answers: dict[object, Any] = {}
        self._version = self._data_version()

    def recall(self, ask: Callable[..., T], question: tuple[Any, ...]) -> T:
        """Return the cached answer of `ask(self, *question)`, or ask now.

        If `ask` makes several queries, call this inside a snapshot.
        """
        self._catch_up()
        key = (ask, *question)
        if key not in self._answers:
            if len(self._answers) >= MAX_ANSWERS:
                self._answers.clear()
            self._answers[key] = ask(self, *question)
        return cast(T, self._answers[key])

    def paths(self) -> list[str]:
        rows = self._rows.execute("SELECT path FROM file ORDER BY path")
        return [path for (path,) in rows]

    @remembered
    def has(self, path: str) -> bool:
        row = self._rows.execute("SELECT 1 FROM file WHERE path = ?", (path,))
        return row.fetchone() is not None

    @remembered
    def first_of(self, *paths: str) -> str | None:
        """Return the first of `paths` that is an indexed file."""
        rows = self._rows.execute(
            f"SELECT path FROM file WHERE path IN ({', '.join('?' * len(paths))})",
            paths,
        )
        known = {path for (path,) in rows}
        return next((path for path in paths if path in known), None)

    @remembered
    def paths_of_module(self, name: str) -> Sequence[str]:
        """Return the files that `name` may mean as the last part of an import."""
        rows = self._rows.execute(
            "SELECT path FROM file WHERE module = ? ORDER BY path", (name.lower(),)
        )
        return [path for (path,) in rows]

    @remembered
    def paths_of_package(self, package: str) -> Sequence[str]:
        """Return the files that declare `package`."""
        rows = self._rows.execute(
            "SELECT path FROM file WHERE package = ? AND package <> '' ORDER BY path",
            (package,),
        )
        return [path for (path,) in rows]

    @remembered
    def paths_in_folder(self, folder: str, limit: int) -> Sequence[str]:
        """Return files directly in `folder`, sorted."""
        prefix = f"{folder}/" if folder else ""
        rows = self._rows.execute(
            "SELECT path FROM file WHERE path >= ? AND path < ? "
            "AND instr(substr(path, ?), '/') = 0 ORDER BY path LIMIT ?",
            (prefix, f"{folder}0" if folder else "\U0010ffff", len(prefix) + 1, limit),
        )
        return [path for (path,) in rows]

    @remembered
    def may_mean(self, name: str, too_many: int) -> bool:
        """Return whether fewer than `too_many` files define `name` other than as a member."""
        rows = self._rows.execute(
            "SELECT is_member FROM name WHERE name = ? LIMIT ?", (name, too_many)
        )
        found = rows.fetchall()
        return len(found) < too_many and any(not is_member for (is_member,) in found)

    @remembered
    def paths_with(self, name: str) -> Sequence[str]:
        """Return the files that define `name`."""
        rows = self._rows.execute(
            "SELECT path FROM name JOIN file ON id = file_id WHERE name = ?", (name,)
        )
        return [path for (path,) in rows]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read one state of the database: writes of other processes are not seen meanwhile."""
        if self._rows.in_transaction:
            yield
            return
        self._rows.execute("BEGIN")
        try:
            self._look_for_changes()
            yield
        finally:
            self._rows.execute("COMMIT")

    def _catch_up(self) -> None:
        """Drop cached answers if another process has written since."""
        if not self._rows.in_transaction:
            self._look_for_changes()

    def _look_for_changes(self) -> None:
        if (version := self._data_version()) != self._version:
            self._version = version
            self._forget_all()

    def _forget_all(self) -> None:
        self._answers.clear()

    def _data_version(self) -> int:
        """Return a number that changes with each write of another process."""
        (version,) = self._rows.execute("PRAGMA data_version").fetchone()
        return int(version)
