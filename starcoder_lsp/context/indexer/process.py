"""The child process that holds the index: answers first, indexing in between.

It runs one event loop and touches no file of the workspace itself: what may block,
hang or crash is done by its workers.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import BinaryIO

from starcoder_lsp.context import Gathered, IndexingProgress, base_of, messages
from starcoder_lsp.context.index.entry import entry_of
from starcoder_lsp.context.index.folder import FileState, Folder
from starcoder_lsp.context.indexer.answers import gathered
from starcoder_lsp.context.indexer.crawler import Crawler
from starcoder_lsp.context.indexer.looks import Wishes
from starcoder_lsp.context.indexer.open_documents import IndexedDocument, OpenDocuments
from starcoder_lsp.context.resolve.imports import styles
from starcoder_lsp.context.retrieve.definitions import foresee
from starcoder_lsp.context.retrieve.gather import NO_MEMORIES, Memory, new_memories
from starcoder_lsp.languages import language_id, languages
from starcoder_lsp.runtime import frames, log, parent_watch
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.garbage_collection import collect_rarely
from starcoder_lsp.runtime.paths import cache_dir

# Its own name, also when it runs as a program.
logger = logging.getLogger("starcoder_lsp.context.indexer.process")


class Indexer:
    """Keeps the folders and open documents of one server, and answers its questions."""

    def __init__(self, send: Callable[[Frame], None]) -> None:
        self._send = send
        self._crawlers: dict[str, Crawler] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._memories: dict[str, dict[str, Memory]] = {}
        self._judging: asyncio.Task[None] | None = None
        self._progress: dict[str, IndexingProgress] = {}
        self._one_at_a_time = asyncio.Lock()
        self._regrouping: asyncio.Task[None] | None = None
        self._foreseeing: set[asyncio.Task[None]] = set()
        self._documents = OpenDocuments(self._parsed, self._left)
        self._operations: Mapping[str, Callable[[Frame], None]] = {
            "folders": self._use_folders,
            "open": self._open,
            "change": self._change,
            "close": lambda frame: self._documents.close(frame["uri"]),
            "arrange": lambda frame: self._documents.arrange(
                frame["notebook"], frame["cells"]
            ),
            "visit": lambda frame: self._documents.visit(frame["uri"]),
            "files": self._files_changed,
            "gather": self._gather,
            "judge": self._judge,
            "statistics": self._statistics,
            "log": lambda frame: log.follow(log.target_from(frame)),
        }

    async def run(self, requests: asyncio.StreamReader) -> None:
        following = asyncio.create_task(self._documents.run())
        while (frame := await frames.receive(requests)) is not None:
            try:
                self._operations[frame["op"]](frame)
            except Exception as exc:  # one bad request must not end the others
                logger.error("%s: %s", frame["op"], type(exc).__name__)
            # Frames that have arrived are received without waiting.
            await asyncio.sleep(0)
        if self._regrouping is not None:
            await self._regrouping
        for task in (following, *self._foreseeing):
            task.cancel()
        await self._documents.end()
        for root in list(self._crawlers):
            await self._leave(root)

    def _use_folders(self, frame: Frame) -> None:
        self._regrouping = asyncio.create_task(self._regroup(frame))

    async def _regroup(self, frame: Frame) -> None:
        async with self._one_at_a_time:
            wishes = Wishes(frame["max_files"], tuple(frame["ignore"]))
            # The same folder may be named twice, once by a link.
            roots = list(dict.fromkeys(map(os.path.realpath, frame["folders"])))
            is_same = wishes == self._documents.wishes
            for root in list(self._crawlers):
                if root not in roots or not is_same:
                    await self._leave(root)
            for root in roots:
                if root not in self._crawlers:
                    self._enter(root, wishes)
            self._documents.use(roots, wishes)

    def _enter(self, root: str, wishes: Wishes) -> None:
        def told(progress: IndexingProgress) -> None:
            self._progress[root] = progress
            self._tell_progress()

        crawler = Crawler(
            Folder(root, cache_dir() / "index"),
            wishes,
            on_progress=told,
            is_held=lambda relative: self._documents.holds(root, relative),
            on_doubt=lambda relative: self._documents.doubt(root, relative),
        )
        self._crawlers[root] = crawler
        self._memories[root] = new_memories()
        self._tasks[root] = asyncio.create_task(crawler.run())

    async def _leave(self, root: str) -> None:
        crawler = self._crawlers.pop(root)
        self._progress.pop(root, None)
        task = self._tasks.pop(root)
        task.cancel()
        await asyncio.wait([task])
        await crawler.close()

    def _open(self, frame: Frame) -> None:
        fields = ("uri", "path", "language", "text", "version")
        # Under the name that files of the language have in the index.
        opened = {**frame, "language": language_id(frame["language"])}
        self._documents.open(IndexedDocument(*(opened[name] for name in fields)))

    def _change(self, frame: Frame) -> None:
        self._documents.change(frame["uri"], frame["version"], frame["edits"])

    def _parsed(self, document: IndexedDocument, text: str) -> None:
        """Index an open document in place of its file.

        Cells are not indexed: they see each other, and none of them is the file.
        """
        if document.notebook:
            return
        if (crawler := self._crawlers.get(document.root)) is not None:
            entry = entry_of(text, document.symbols)
            crawler.folder.put(document.relative, FileState("", ""), entry)
            crawler.folder.commit()
            if document.known_text is not None:
                for memory in self._memories[document.root].values():
                    memory.changed(document.relative, document.known_text, text)
            document.known_text = text
            if document.symbols.imports != document.foreseen:
                task = asyncio.create_task(self._foresee(document))
                self._foreseeing.add(task)
                task.add_done_callback(self._foreseeing.discard)

    async def _foresee(self, document: IndexedDocument) -> None:
        """Look up a document's imports, one at a time, before the user types there."""
        symbols = document.symbols
        known = {each._replace(line=0) for each in document.foreseen}
        document.foreseen = symbols.imports
        for each in symbols.imports:
            if each._replace(line=0) in known:
                continue
            if (crawler := self._crawlers.get(document.root)) is None:
                return
            look = partial(foresee, document.relative, symbols, each)
            crawler.folder.look_up(look, None)
            await asyncio.sleep(0)

    def _left(self, root: str, relative: str) -> None:
        if (crawler := self._crawlers.get(root)) is not None:
            crawler.suspect([relative])
            if self._documents.has(root, relative):
                # It is still open, so a rule hides it now.
                for memory in self._memories[root].values():
                    memory.forget(relative)

    def _files_changed(self, frame: Frame) -> None:
        """Pass each path to its folder; a path outside all folders may be a link."""
        paths = set(frame["paths"])
        inside = {
            root: {path for path in paths if path.startswith(base_of(root))}
            for root in self._crawlers
        }
        is_known = paths <= set().union(*inside.values())
        for root, found in inside.items():
            if found or not is_known:
                crawler = self._crawlers[root]
                crawler.suspect(path.removeprefix(base_of(root)) for path in found)

    def _gather(self, frame: Frame) -> None:
        document = self._documents.get(frame["uri"])
        found = Gathered()
        if document is not None:
            crawler = self._crawlers.get(document.root)
            # Snippets found before the imports are known would stay for a while.
            folder = crawler.folder if crawler and document.is_looked_at else None
            memories = self._memories.get(document.root, NO_MEMORIES)
            found = gathered(document, frame, folder, self._documents, memories)
        self._send(messages.gathered_frame(frame["id"], found))

    def _judge(self, frame: Frame) -> None:
        self._judging = asyncio.create_task(self._judge_later(frame))

    async def _judge_later(self, frame: Frame) -> None:
        document = self._documents.get(frame["uri"])
        judgements = []
        if document is not None and document.version == frame["version"]:
            judgements = await self._documents.judge(
                frame["uri"], frame["offset"], frame["texts"]
            )
        self._send({"op": "judged", "id": frame["id"], "judgements": judgements})

    def _statistics(self, frame: Frame) -> None:
        languages: Counter[str] = Counter()
        skipped: Counter[str] = Counter()
        n_files = n_symbols = n_pending = 0
        for crawler in self._crawlers.values():
            counted = crawler.folder.languages()
            languages.update(counted)
            n_files += counted.total()
            n_symbols += crawler.folder.n_definitions()
            n_pending += crawler.n_pending
            skipped.update(crawler.skipped)
            skipped.update(crawler.folder.left_out())
        in_memory = [one.folder.is_in_memory for one in self._crawlers.values()]
        statistics = {
            "n_files": n_files, "n_symbols": n_symbols, "n_pending": n_pending,
            "is_in_memory": any(in_memory), "languages": languages, "skipped": skipped,
        }  # fmt: skip
        self._send({"op": "statistics", "id": frame["id"], "statistics": statistics})

    def _tell_progress(self) -> None:
        parts = self._progress.values()
        self._send({
            "op": "progress",
            "n_done": sum(part.n_done for part in parts),
            "n_total": sum(part.n_total for part in parts),
            "is_final": all(part.is_final for part in parts),
        })  # fmt: skip


async def serve(out: BinaryIO) -> None:
    loop = asyncio.get_running_loop()
    requests = asyncio.StreamReader(limit=frames.MAX_FRAME_BYTES)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(requests), sys.stdin
    )

    def send(frame: Frame) -> None:
        try:
            out.write(frames.encode(frame))
            out.flush()
        except OSError:
            os._exit(0)  # the parent is gone

    await Indexer(send).run(requests)


def main() -> None:
    parent_watch.end_soon_after_parent(has_compute_limit=True)
    out = frames.claim_stdout()
    log.set_up(sys.argv[1] if len(sys.argv) > 1 else "warning")
    # Loading these tables with the first answer would delay it by 20 ms.
    languages()
    styles()
    collect_rarely()
    asyncio.run(serve(out))


if __name__ == "__main__":
    main()
