"""Queues files to be read, in batches: a request costs as much as reading a small file."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import NamedTuple

BATCH_BYTES = 128 * 1024
MAX_BATCH = 64
# The assumed size of a file that no walk has seen.
USUAL_BYTES = 16 * 1024
# A worker may also die for reasons that have nothing to do with the file.
MAX_TRIES = 2


class Waiting(NamedTuple):
    """A file to read; `n_bytes` is None unless a walk has just admitted it."""

    path: str
    n_bytes: int | None = None


class Queue:
    """Files by kind (suffix), each kind in the order in which its files were found.

    Loading a language takes a worker up to half a second. So a worker continues with
    kinds that it has read, and otherwise begins with one that no other worker reads.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, int | None]] = {}
        self._begun: set[str] = set()
        # How often a file was in a batch that killed its worker.
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
        """Return the next batch for a worker that knows the `familiar` kinds; adds to them.

        A file that may have killed a worker makes a batch of its own.
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
        """Queue again a batch that killed its worker.

        Returns the path of a file that has done so alone too often; it is not queued.
        """
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
