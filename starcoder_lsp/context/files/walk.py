"""Walks a workspace and finds files worth indexing, without ever looping.

Links are not followed: a target inside the workspace is found at its own place, under
the rules that hold there, and a target outside is not ours to read.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from starcoder_lsp.context import RULE_FILES
from starcoder_lsp.context.files.ignore import (
    Scope,
    UnreadableRules,
    exclude_file,
    scope_of_root,
)
from starcoder_lsp.context.files.unwanted import (
    MAX_FILE_BYTES,
    is_marked,
    is_secret,
    is_unwanted_directory,
    reason_by_path,
)

# What changed this recently may change again without other times (FAT counts in steps
# of two seconds).
RACY_S = 2.5
# The times and identity of a file or directory, as a hash. None compares unequal to what
# is read next: too recent a directory is not sure to keep its times with its next change.
Mark = int | None
MISSING: Mark = 0


class FoundFile(NamedTuple):
    """A file worth reading; `relative` has `/` between its parts.

    `stamp` differs after every change of the file that the system's clock can tell.
    """

    relative: str
    n_bytes: int
    stamp: str


@dataclass(frozen=True)
class Bounds:
    """Limits of a walk: a root may be `/`, or contain a loop of mounts."""

    max_files: int = 20_000
    max_entries: int = 1_000_000
    max_depth: int = 32
    max_s: float = 120.0


class PendingDirectory(NamedTuple):
    """A directory that is still to be read."""

    relative: str
    depth: int
    scope: Scope


@dataclass
class Walk:
    """One walk below `root`, breadth first and in a fixed order.

    `skipped` counts what was left out, by reason. `is_partial` means that the walk did
    not see everything: a file that it did not find may still exist. `directories`,
    `rules` and `files` hold a mark of each directory that the walk has read, of the files
    with rules (by absolute path) and of all files that the rules admit.
    """

    root: str
    extra: Sequence[str] = ()
    bounds: Bounds = Bounds()
    clock: Callable[[], float] = time.monotonic
    skipped: Counter[str] = field(default_factory=Counter)
    is_partial: bool = False
    scope: Scope | None = None
    directories: dict[str, Mark] = field(default_factory=dict)
    rules: dict[str, Mark] = field(default_factory=dict)
    files: dict[str, Mark] = field(default_factory=dict)

    def __iter__(self) -> Iterator[FoundFile]:
        deadline = self.clock() + self.bounds.max_s
        n_files = n_entries = 0
        queue = deque(self._start())
        seen: set[tuple[int, int]] = set()
        while queue:
            place = queue.popleft()
            entries = self._entries(place, seen)
            n_entries += len(entries)
            if n_entries > self.bounds.max_entries or self.clock() > deadline:
                self.skipped["beyond the bounds"] += 1 + len(queue)
                self.is_partial = True
                return
            for found in self._sorted_out(place, entries, queue):
                if n_files == self.bounds.max_files:
                    self.skipped["beyond index_max_files"] += 1
                    del self.files[found.relative]
                    return
                n_files += 1
                yield found

    def _start(self) -> list[PendingDirectory]:
        try:
            self.scope = scope_of_root(self.root, self.extra)
            return [PendingDirectory("", 0, self.scope)]
        except UnreadableRules:
            self.skipped["unreadable rules"] += 1
            return []

    def _entries(
        self, place: PendingDirectory, seen: set[tuple[int, int]]
    ) -> list[os.DirEntry[str]]:
        """Return the entries of a directory; nothing if it was seen under another name."""
        folder = f"{self.root}/{place.relative}"
        try:
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in seen:
                self.skipped["seen before"] += 1
                return []
            seen.add((status.st_dev, status.st_ino))
            self.directories[place.relative] = mark_of_directory(status)
            with os.scandir(folder) as listing:
                return sorted(listing, key=lambda entry: entry.name)
        except OSError:
            self.skipped["unreadable"] += 1
            self.is_partial = self.is_partial or not place.relative
            return []

    def _sorted_out(
        self,
        place: PendingDirectory,
        entries: list[os.DirEntry[str]],
        queue: deque[PendingDirectory],
    ) -> Iterator[FoundFile]:
        names = {entry.name for entry in entries}
        if place.relative and is_marked(names):
            self.skipped["unwanted directory"] += 1
            return
        folder = f"{self.root}/{place.relative}"
        self._mark_rules(folder, names)
        try:
            scope = place.scope.inside(folder, place.relative, names)
        except UnreadableRules:
            self.skipped["unreadable rules"] += 1
            return
        for entry in entries:
            relative = place.relative + entry.name
            if entry.is_symlink():
                self.skipped["link"] += 1
            elif entry.is_dir(follow_symlinks=False):
                below = PendingDirectory(relative + "/", place.depth + 1, scope)
                self._consider(below, entry.name, names, queue)
            elif (found := self._file(entry, relative, scope)) is not None:
                yield found

    def _mark_rules(self, folder: str, names: set[str]) -> None:
        rules = [f"{folder}/{name}" for name in names & RULE_FILES]
        if ".git" in names:
            rules.append(exclude_file(folder))
        self.rules.update((path, mark_at(path)) for path in rules)

    def _consider(
        self,
        below: PendingDirectory,
        name: str,
        siblings: set[str],
        queue: deque[PendingDirectory],
    ) -> None:
        reason = _directory_reason(below, name, siblings)
        if reason is None and below.depth > self.bounds.max_depth:
            reason = "too deep"
        if reason is None:
            queue.append(below)
        else:
            self.skipped[reason] += 1

    def _file(
        self, entry: os.DirEntry[str], relative: str, scope: Scope
    ) -> FoundFile | None:
        reason: str | None = "not a file"
        if entry.is_file(follow_symlinks=False):
            reason = reason_by_path(relative)
            if reason is None and scope.ignores(relative):
                reason = "ignored"
        if reason is not None:
            self.skipped[reason] += 1
            return None
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            self.skipped["unreadable"] += 1
            return None
        self.files[relative] = mark_of(status)
        if not 0 < status.st_size <= MAX_FILE_BYTES:
            self.skipped["too large" if status.st_size else "empty"] += 1
            return None
        return FoundFile(relative, status.st_size, stamp_of(status))


def stamp_of(status: os.stat_result) -> str:
    """Return a stamp with the change time, which unlike the others cannot be set back."""
    return f"{status.st_mtime_ns:x}.{status.st_ctime_ns:x}.{status.st_ino:x}"


def mark_of(status: os.stat_result) -> Mark:
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return hash((*times, status.st_dev, status.st_ino))


def mark_of_directory(status: os.stat_result) -> Mark:
    """Return the mark of a directory, None when it has just changed."""
    age_s = time.time() - max(status.st_mtime, status.st_ctime)
    return None if abs(age_s) < RACY_S else mark_of(status)


def mark_at(path: str) -> Mark:
    """Return the mark of the file that `path` leads to, MISSING when there is none."""
    try:
        return mark_of(Path(path).stat())
    except OSError:
        return MISSING


def _directory_reason(
    place: PendingDirectory, name: str, siblings: set[str]
) -> str | None:
    if not name.isprintable():
        return "odd name"
    if is_unwanted_directory(name, siblings):
        return "unwanted directory"
    return "ignored" if place.scope.ignores(place.relative) else None


def admits(root: str, relative: str, extra: Sequence[str] = ()) -> bool:
    """Return whether a walk of `root` would admit a file of this name, existing or not."""
    try:
        scope = scope_of_root(root, extra)
        folders = relative.split("/")[:-1]
        base = ""
        for depth, part in enumerate((*folders, "")):
            names = _names_in(f"{root}/{base}")
            if base and is_marked(names):
                return False
            scope = scope.inside(f"{root}/{base}", base, names)
            if part:
                base += part + "/"
                place = PendingDirectory(base, depth + 1, scope)
                if _directory_reason(place, part, names) is not None:
                    return False
    except UnreadableRules:
        return False
    if is_secret(relative) or scope.ignores(relative):
        return False
    return reason_by_path(relative) is None


def _names_in(folder: str) -> set[str]:
    try:
        with os.scandir(folder) as listing:
            return {entry.name for entry in listing}
    except OSError:
        return set()
