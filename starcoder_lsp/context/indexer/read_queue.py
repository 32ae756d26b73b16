"""Files that wait to be read, in batches: to send one takes as long as to read a small file."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import NamedTuple

BATCH_BYTES = 128 * 1024
MAX_BATCH = 64
# Of a file whose size nobody has seen.
USUAL_BYTES = 16 * 1024
# A worker may be killed for reasons that are not the file's.
MAX_TRIES = 2


class Waiting(NamedTuple):
    """`n_bytes` is known where a walk has just admitted the file."""

    path: str
    n_bytes: int | None = None


class Queue:
    """By kind of file, each kind in the order in which its files were found.

    To load a language takes a worker up to half a second, so each reads on with the
    kinds that it has read, and else begins with one that no other reads.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, int | None]] = {}
        self._begun: set[str] = set()
        # Files that were in a batch of which a worker died.
        self._tries: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def clear(self) -> None:
        self._waiting.clear()

    def found(self, path: str, n_bytes: int) -> None:
        self._of_kind(path)[path] = n_bytes

    def suspect(self, path: str) -> None:
        self._of_kind(path).setdefault(path, None)

    def put_back(self, batch: list[Waiting]) -> None:
        for path, n_bytes in batch:
            self._of_kind(path)[path] = n_bytes

    def take(self, familiar: set[str]) -> list[Waiting]:
        """The next files for a worker that has read the `familiar` kinds; adds to them.

        A file that may have ended a worker comes alone.
        """
        if not self._waiting:
            return []
        kind = self._next_kind(familiar)
        familiar.add(kind)
        self._begun.add(kind)
        waiting = self._waiting[kind]
        batch: list[Waiting] = []
        n_bytes = 0
        while waiting and n_bytes < BATCH_BYTES and len(batch) < MAX_BATCH:
            path = next(iter(waiting))
            is_suspicious = path in self._tries
            if is_suspicious and batch:
                break
            batch.append(Waiting(path, waiting.pop(path)))
            n_bytes += batch[-1].n_bytes or USUAL_BYTES
            if is_suspicious:
                break
        if not waiting:
            del self._waiting[kind]
        return batch

    def _of_kind(self, path: str) -> dict[str, int | None]:
        return self._waiting.setdefault(path.rpartition(".")[2], {})

    def _next_kind(self, familiar: set[str]) -> str:
        mine = (kind for kind in self._waiting if kind in familiar)
        new = (kind for kind in self._waiting if kind not in self._begun)
        return next(itertools.chain(mine, new, self._waiting))

    def blame(self, batch: list[Waiting]) -> str | None:
        """Try again what a worker died of; the path of a file that is given up."""
        self._tries.update(one.path for one in batch)
        path = batch[0].path
        if len(batch) == 1 and self._tries[path] >= MAX_TRIES:
            del self._tries[path]
            return path
        self.put_back(batch)
        return None

    def succeeded(self, batch: list[Waiting]) -> None:
        for one in batch if self._tries else ():
            self._tries.pop(one.path, None)
