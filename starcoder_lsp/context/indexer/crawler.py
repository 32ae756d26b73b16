"""Keeps the index of one folder equal to the disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from math import inf

from starcoder_lsp.context import RULE_FILES, IndexingProgress
from starcoder_lsp.context.index.entry import from_wire
from starcoder_lsp.context.index.folder import CRASHES, FileState, Folder
from starcoder_lsp.context.indexer.looks import Looks, Wishes
from starcoder_lsp.context.indexer.read_queue import Queue, Waiting
from starcoder_lsp.context.indexer.schedule import Look
from starcoder_lsp.context.indexer.worker_client import (
    CannotStart,
    LostItsTurn,
    Worker,
    WorkerDied,
)
from starcoder_lsp.runtime.frames import Frame

logger = logging.getLogger(__name__)

# Requests that wait in a worker's pipe, so that it never waits for us.
DEPTH = 2
MAX_WORKERS = 8
# How often to see whether another process has left, replaced or damaged the index.
FOLLOW_EVERY_S = 2.0
# Events come in floods: a checkout, a build.
SETTLE_S = 0.1
MAX_SUSPECTS = 500
PROGRESS_EVERY_S = 0.1


class Crawler:
    """Looks at the disk, reads what has changed, and waits for a hint or the next look.

    Only the process that writes the index does so; a reader waits to take its place.
    `is_held` and `on_doubt` are explained in `Looks`.
    """

    def __init__(
        self,
        folder: Folder,
        wishes: Wishes,
        *,
        is_held: Callable[[str], bool],
        on_doubt: Callable[[str], None],
        on_progress: Callable[[IndexingProgress], None],
        new_worker: Callable[[], Worker] = Worker.in_background,
    ) -> None:
        self.folder = folder
        self._wishes = wishes
        self._is_held = is_held
        self._on_progress = on_progress
        self._queue = Queue()
        self._arrived = asyncio.Event()
        self._looks = Looks(
            folder, self._queue, wishes,
            is_held=is_held, on_doubt=on_doubt, on_found=self._found,
        )  # fmt: skip
        self._done = self._total = 0
        self._told_at = 0.0
        self._has_told = False
        self._new_worker = new_worker
        self._workers = [new_worker()]
        folder.on_renewed = self.look_again

    @property
    def n_pending(self) -> int:
        return len(self._queue)

    @property
    def skipped(self) -> Counter[str]:
        """Counts of files and directories that the last walk left out, by reason."""
        return self._looks.skipped

    def look_again(self) -> None:
        """Something has changed that may concern every file."""
        self._looks.schedule.want_walk()
        self._arrived.set()

    def suspect(self, paths: Iterable[str]) -> None:
        """Queue paths that may have changed, except names that a walk rejects.

        Without any, something has changed, perhaps in this folder.
        """
        wanted = [path for path in paths if path.isprintable()]
        if not wanted:
            self._looks.schedule.want_glance()
        for path in wanted:
            name = path.rpartition("/")[2]
            if name in RULE_FILES or "/.git/" in f"/{path}":
                self._looks.schedule.want_walk()
            else:
                self._queue.suspect(path)
        if len(self._queue) > MAX_SUSPECTS and not self._looks.is_looking:
            self._queue.clear()
            self._looks.schedule.want_walk()
        self._arrived.set()

    async def run(self) -> None:
        """Keep the index up to date until cancelled."""
        while True:
            if self.folder.is_writer:
                await self._catch_up()
            await self._until_work()

    async def close(self) -> None:
        await self._close_workers(self._workers)
        self.folder.close()

    async def _until_work(self) -> None:
        """Return when this process writes the index and a file or a look is due.

        Each round waits, whatever happens to the index meanwhile: questions are
        answered, and the end of our input is seen.
        """
        while True:
            self._arrived.clear()
            if self._has_work():
                return
            if not self.folder.is_writer:
                await self._close_workers(self._workers)
            look_s = self._looks.schedule.wait_s() if self.folder.is_writer else inf
            await self._until_hint(min(look_s, FOLLOW_EVERY_S))
            self.folder.follow()

    def _has_work(self) -> bool:
        if not self.folder.is_writer:
            self._rest()
            return False
        return bool(self._queue) or self._looks.schedule.due() is not None

    def _rest(self) -> None:
        """Leave hints to the writer, whose own looks find what has changed."""
        self._queue.clear()
        if not self._has_told and not self.folder.is_waiting:
            self._tell(is_final=True)

    async def _until_hint(self, longest_s: float) -> None:
        """Wait for a hint, and then for the rest of the flood that it may begin."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._arrived.wait()
        if self._arrived.is_set():
            await asyncio.sleep(SETTLE_S)

    async def _catch_up(self) -> None:
        """Make the look that is due, if any, and read all that waits."""
        self._done, self._total = 0, len(self._queue)
        look = self._looks.schedule.due()
        async with asyncio.TaskGroup() as group:
            if look is not None:
                group.create_task(self._looks.look(look, self._workers[0]))
                # Readers wait for what a look finds, so it begins before they do.
                await asyncio.sleep(0)
            for worker in self._enough_workers(look):
                for _ in range(DEPTH):
                    group.create_task(self._read_all(worker))
        if not any(worker.pid for worker in self._workers):
            # None could be started; the next look tries again.
            self._queue.clear()
        if look is Look.GLANCE and self._total == 0:
            return
        self.folder.commit()
        self._tell(is_final=True)
        await self._join()
        await self._close_workers(self._workers[1:])

    async def _close_workers(self, workers: Iterable[Worker]) -> None:
        for worker in workers:
            await worker.close()

    async def _join(self) -> None:
        """Make searches of a new index faster; questions are answered in between."""
        for _ in iter(self.folder.join_some, False):
            await asyncio.sleep(0)
        self.folder.commit()

    def _enough_workers(self, look: Look | None) -> list[Worker]:
        n = min(os.cpu_count() or 1, MAX_WORKERS) if look is Look.WALK else 1
        while len(self._workers) < n:
            self._workers.append(self._new_worker())
        return self._workers[:n]

    def _found(self, n_files: int) -> None:
        self._total += n_files
        self._arrived.set()

    async def _read_all(self, worker: Worker) -> None:
        while batch := await self._next(worker):
            try:
                answer = await worker.ask(self._request(batch))
            except LostItsTurn:
                self._queue.put_back(batch)
                continue
            except CannotStart:
                self._queue.put_back(batch)
                return
            except WorkerDied:
                await worker.close()
                await self._blame(batch, worker)
                continue
            self._queue.succeeded(batch)
            at = 0
            for one, read in zip(batch, answer["files"], strict=True):
                raw = answer["raw"][at : at + read["n_bytes"]]
                at += read["n_bytes"]
                if not self._is_held(one.path):
                    is_admitted = one.n_bytes is not None
                    self._take(one.path, read, raw, is_admitted=is_admitted)
                # Questions are answered in between.
                await asyncio.sleep(0)
            self._done += len(batch)
            self._tell()

    async def _next(self, worker: Worker) -> list[Waiting]:
        while not self._queue:
            if not self._looks.is_looking:
                return []
            self._arrived.clear()
            await self._arrived.wait()
        return self._queue.take(worker.has_read)

    def _request(self, batch: list[Waiting]) -> Frame:
        digests = (self.folder.sources.get(one.path) for one in batch)
        return {
            "op": "read", "root": self.folder.root,
            "files": [
                (one.path, one.n_bytes is not None, known.digest if known else "")
                for one, known in zip(batch, digests, strict=True)
            ],
            "extra": list(self._wishes.ignore), "avoid": sorted(self.folder.crashing),
        }  # fmt: skip

    async def _blame(self, batch: list[Waiting], worker: Worker) -> None:
        """Put a batch back that killed its worker; leave out a file that did so twice."""
        path = self._queue.blame(batch)
        if path is None:
            return
        logger.warning("a file crashes its parser and is left out")
        with contextlib.suppress(WorkerDied):
            request = {"op": "digest", "path": f"{self.folder.root}/{path}"}
            answer = await worker.ask(request)
            source = FileState(answer["stamp"], answer["digest"], CRASHES)
            self.folder.leave_out(path, source)

    def _take(self, path: str, answer: Frame, raw: bytes, *, is_admitted: bool) -> None:
        reason = answer["reason"]
        source = FileState(answer["stamp"], answer["digest"], reason)
        if reason in ("gone", "ignored"):
            self.folder.remove(self.folder.below(path))
        elif reason == "not a file":
            self.folder.remove([path])
            if not is_admitted:
                # A directory that is new to us has files that nobody has told of.
                self._looks.schedule.want_walk()
        else:
            self._looks.note(path)
            self._keep(path, source, answer, raw)

    def _keep(self, path: str, source: FileState, answer: Frame, raw: bytes) -> None:
        known = self.folder.sources.get(path)
        if source.reason is not None:
            self.folder.leave_out(path, source)
        elif "entry" in answer:
            self.folder.put(path, source, from_wire(answer["entry"], raw))
        elif known is not None:
            self.folder.touch(path, source._replace(reason=known.reason))

    def _tell(self, *, is_final: bool = False) -> None:
        now = time.monotonic()
        if is_final or now - self._told_at > PROGRESS_EVERY_S:
            self._told_at = now
            self._has_told = self._has_told or is_final
            self._on_progress(IndexingProgress(self._done, self._total, is_final))
