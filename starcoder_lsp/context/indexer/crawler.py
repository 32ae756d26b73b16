"""Keeps the index of one folder equal to what a fresh look at the disk would give."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from starcoder_lsp.context import RULE_FILES, IndexingProgress
from starcoder_lsp.context.index.entry import from_wire
from starcoder_lsp.context.index.folder import CRASHES, Folder, Source
from starcoder_lsp.context.indexer.read_queue import Queue, Waiting
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
# A look at everything, in case that nobody tells of changes; rarer where it takes long.
LOOK_EVERY_S = 30.0
LOOK_SHARE = 0.01
# Events come in floods: a checkout, a build.
SETTLE_S = 0.1
MAX_SUSPECTS = 500
PROGRESS_EVERY_S = 0.1


@dataclass(frozen=True)
class Wishes:
    """What the settings say of indexing."""

    max_files: int = 20_000
    ignore: Sequence[str] = ()


class Crawler:
    """Looks, reads what has changed, waits for the next hint, and so on until closed.

    `is_held` tells which files an editor has open: what it shows is stronger than what
    the disk holds. `on_doubt` hears of those that a look has not found.
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
        self.skipped: Counter[str] = Counter()
        self._wishes = wishes
        self._is_held, self._on_doubt = is_held, on_doubt
        self._on_progress = on_progress
        self._queue = Queue()
        self._arrived = asyncio.Event()
        self._is_walking = False
        self._wants_look = True
        self._look_every_s = LOOK_EVERY_S
        self._generation = folder.generation
        self._done = self._total = 0
        self._told_at = 0.0
        self._new_worker = new_worker
        self._workers = [new_worker()]

    @property
    def n_pending(self) -> int:
        return len(self._queue)

    def look_again(self) -> None:
        """Something has changed that may concern every file."""
        self._wants_look = True
        self._arrived.set()

    def suspect(self, paths: Iterable[str]) -> None:
        """These may have changed; not those that no look takes for their names."""
        for path in filter(str.isprintable, paths):
            name = path.rpartition("/")[2]
            if name in RULE_FILES or "/.git/" in f"/{path}":
                self._wants_look = True
            else:
                self._queue.suspect(path)
        if len(self._queue) > MAX_SUSPECTS and not self._is_walking:
            self._queue.clear()
            self._wants_look = True
        self._arrived.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if self.folder.is_writer:
                await self._catch_up()
            else:
                # The writer's own looks find what has changed.
                self._queue.clear()
                self._wants_look = False
            self._arrived.clear()
            is_same = self.folder.generation == self._generation
            if is_same and not self._wants_look and not self._queue:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._look_every_s):
                        await self._arrived.wait()
                        await asyncio.sleep(SETTLE_S)
                self.folder.follow()
                self._wants_look = self._wants_look or not self._queue

    async def close(self) -> None:
        for worker in self._workers:
            await worker.close()
        self.folder.close()

    async def _catch_up(self) -> None:
        """Read all that waits, and before it what a look finds when one is wanted."""
        if self.folder.generation != self._generation:
            self._generation, self._wants_look = self.folder.generation, True
        self._done, self._total = 0, len(self._queue)
        started = time.monotonic()
        is_look, self._wants_look = self._wants_look, False
        self._is_walking = is_look
        try:
            async with asyncio.TaskGroup() as group:
                if is_look:
                    group.create_task(self._look())
                for worker in self._enough_workers(is_look):
                    for _ in range(DEPTH):
                        group.create_task(self._read_all(worker))
        finally:
            self._is_walking = False
        if not any(worker.pid for worker in self._workers):
            # None could be started; the next look tries again.
            self._queue.clear()
        self.folder.commit()
        self._tell(is_final=True)
        await self._join()
        if is_look:
            took_s = time.monotonic() - started
            self._look_every_s = max(LOOK_EVERY_S, took_s / LOOK_SHARE)
        for worker in self._workers[1:]:
            await worker.close()

    async def _join(self) -> None:
        """Make searches of a new index faster; who asks something is answered in between."""
        for _ in iter(self.folder.join_some, False):
            await asyncio.sleep(0)
        self.folder.commit()

    def _enough_workers(self, is_look: bool) -> list[Worker]:
        n = min(os.cpu_count() or 1, MAX_WORKERS) if is_look else 1
        while len(self._workers) < n:
            self._workers.append(self._new_worker())
        return self._workers[:n]

    async def _look(self) -> None:
        request = {
            "op": "walk", "root": self.folder.root,
            "extra": list(self._wishes.ignore), "max_files": self._wishes.max_files,
        }  # fmt: skip
        seen: set[str] = set()
        try:
            walk = self._workers[0].stream(
                request, lambda frame: frame["op"] == "walked"
            )
            async with contextlib.aclosing(walk):
                async for frame in walk:
                    if frame["op"] == "walked":
                        self._finish_look(frame, seen)
                    else:
                        self._take_found(frame["files"], seen)
        except CannotStart:
            return  # as the worker has told
        except WorkerDied:
            logger.warning("the walk of a workspace ended early")
        finally:
            self._is_walking = False
            self._arrived.set()

    def _take_found(self, files: list[tuple[str, int, str]], seen: set[str]) -> None:
        before = len(self._queue)
        for path, n_bytes, stamp in files:
            seen.add(path)
            if self.folder.changed(path, stamp) and not self._is_held(path):
                self._queue.found(path, n_bytes)
        self._total += len(self._queue) - before
        self._arrived.set()

    def _finish_look(self, frame: Frame, seen: set[str]) -> None:
        self.skipped = Counter(frame["skipped"])
        if not frame["is_partial"]:
            gone = [path for path in self.folder.sources if path not in seen]
            held = [path for path in gone if self._is_held(path)]
            self.folder.remove(path for path in gone if path not in held)
            for path in held:
                self._on_doubt(path)

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
                # Whoever asks something is answered in between.
                await asyncio.sleep(0)
            self._done += len(batch)
            self._tell()

    async def _next(self, worker: Worker) -> list[Waiting]:
        while not self._queue:
            if not self._is_walking:
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
        """Try again, one by one; a file that a worker dies of twice is given up."""
        path = self._queue.blame(batch)
        if path is None:
            return
        logger.warning("a file crashes its parser and is left out")
        with contextlib.suppress(WorkerDied):
            request = {"op": "digest", "path": f"{self.folder.root}/{path}"}
            answer = await worker.ask(request)
            source = Source(answer["stamp"], answer["digest"], CRASHES)
            self.folder.leave_out(path, source)

    def _take(self, path: str, answer: Frame, raw: bytes, *, is_admitted: bool) -> None:
        reason = answer["reason"]
        known = self.folder.sources.get(path)
        source = Source(answer["stamp"], answer["digest"], reason)
        if reason in ("gone", "ignored"):
            self.folder.remove(self.folder.below(path))
        elif reason == "not a file":
            self.folder.remove([path])
            # A directory that is new to us has files that nobody has told of.
            self._wants_look = self._wants_look or not is_admitted
        elif reason is not None:
            self.folder.leave_out(path, source)
        elif "entry" in answer:
            self.folder.put(path, source, from_wire(answer["entry"], raw))
        elif known is not None:
            self.folder.touch(path, source._replace(reason=known.reason))

    def _tell(self, *, is_final: bool = False) -> None:
        now = time.monotonic()
        if is_final or now - self._told_at > PROGRESS_EVERY_S:
            self._told_at = now
            self._on_progress(IndexingProgress(self._done, self._total, is_final))
