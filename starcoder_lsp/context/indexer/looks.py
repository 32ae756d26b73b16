"""Looks at the disk through a worker and queues the files that have to be read."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starcoder_lsp.context.index.folder import Folder
from starcoder_lsp.context.indexer.read_queue import USUAL_BYTES, Queue
from starcoder_lsp.context.indexer.schedule import Look, Schedule
from starcoder_lsp.context.indexer.worker_client import CannotStart, Worker, WorkerDied
from starcoder_lsp.runtime.frames import Frame

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wishes:
    """The settings of indexing."""

    max_files: int = 20_000
    ignore: Sequence[str] = ()


class Looks:
    """Queues new and changed files, and removes files that are gone from the index.

    `is_held(path)`: an editor has the file open, and its text replaces the file's.
    `on_doubt(path)`: a walk has not found such a file. `on_found(n)`: a part of a look
    has queued `n` files.
    """

    def __init__(
        self,
        folder: Folder,
        queue: Queue,
        wishes: Wishes,
        *,
        is_held: Callable[[str], bool],
        on_doubt: Callable[[str], None],
        on_found: Callable[[int], None],
    ) -> None:
        self.schedule = Schedule()
        self.skipped: Counter[str] = Counter()
        self.is_looking = False
        self._folder, self._queue, self._wishes = folder, queue, wishes
        self._is_held, self._on_doubt, self._on_found = is_held, on_doubt, on_found
        # The paths that the current walk has found and those that were read meanwhile.
        self._seen: set[str] = set()

    def note(self, path: str) -> None:
        """Record that a file exists, although the current walk may have missed it."""
        self._seen.add(path)

    async def look(self, kind: Look, worker: Worker) -> None:
        """Look at the disk once; a failure is logged and scheduled again."""
        self.is_looking = True
        try:
            if kind is Look.WALK:
                await self._walk(worker)
            else:
                await self._glance(worker)
        except CannotStart:
            self.schedule.failed()  # the worker has logged it
        except WorkerDied:
            logger.warning("a look at a workspace ended early")
            self.schedule.failed()
        finally:
            self.is_looking = False
            self._on_found(0)

    async def _walk(self, worker: Worker) -> None:
        self.schedule.begin_walk()
        self._seen.clear()
        request = {**self._request(Look.WALK), "max_files": self._wishes.max_files}
        walk = worker.stream(request, lambda frame: frame["op"] == "walked")
        async with contextlib.aclosing(walk):
            async for frame in walk:
                if frame["op"] == "walked":
                    self._finish(frame)
                else:
                    self._take(frame["files"])

    async def _glance(self, worker: Worker) -> None:
        answer = await worker.ask(self._request(Look.GLANCE))
        needs_walk = answer["needs_walk"]
        self.schedule.glanced(answer["computed_s"], needs_walk=needs_walk)
        if not needs_walk:
            unsettled = ((path, USUAL_BYTES, "") for path in self._folder.unsettled())
            self._take([*answer["files"], *unsettled])

    def _request(self, kind: Look) -> Frame:
        extra = list(self._wishes.ignore)
        return {"op": kind.value, "root": self._folder.root, "extra": extra}

    def _take(self, files: Sequence[tuple[str, int, str]]) -> None:
        n_before = len(self._queue)
        for path, n_bytes, stamp in files:
            self._seen.add(path)
            if self._folder.changed(path, stamp) and not self._is_held(path):
                self._queue.found(path, n_bytes)
        self._on_found(len(self._queue) - n_before)

    def _finish(self, frame: Frame) -> None:
        self.schedule.walked(frame["computed_s"])
        self.skipped = Counter(frame["skipped"])
        if frame["is_partial"]:
            return
        gone = [path for path in self._folder.sources if path not in self._seen]
        held = [path for path in gone if self._is_held(path)]
        self._folder.remove(path for path in gone if path not in held)
        self._seen.clear()
        for path in held:
            self._on_doubt(path)
