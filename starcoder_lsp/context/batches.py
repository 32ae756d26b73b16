"""Files that wait to be read, in batches: to send one takes as long as to read a small file."""

from __future__ import annotations

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
    """In the order in which files were found; each waits once."""

    def __init__(self) -> None:
        self._waiting: dict[str, int | None] = {}
        # Files that were in a batch of which a worker died.
        self._tries: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def clear(self) -> None:
        self._waiting.clear()

    def found(self, path: str, n_bytes: int) -> None:
        self._waiting[path] = n_bytes

    def suspect(self, path: str) -> None:
        self._waiting.setdefault(path, None)

    def put_back(self, batch: list[Waiting]) -> None:
        self._waiting.update(batch)

    def take(self) -> list[Waiting]:
        """The next files; one that may have ended a worker comes alone."""
        batch: list[Waiting] = []
        n_bytes = 0
        while self._waiting and n_bytes < BATCH_BYTES and len(batch) < MAX_BATCH:
            path = next(iter(self._waiting))
            is_suspicious = path in self._tries
            if is_suspicious and batch:
                break
            batch.append(Waiting(path, self._waiting.pop(path)))
            n_bytes += batch[-1].n_bytes or USUAL_BYTES
            if is_suspicious:
                break
        return batch

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
