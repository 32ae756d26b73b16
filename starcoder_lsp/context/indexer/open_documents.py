"""Holds the documents that an editor has open; their text replaces that on disk."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starcoder_lsp.context import messages
from starcoder_lsp.context.indexer.looks import Wishes
from starcoder_lsp.context.indexer.worker_client import (
    CannotStart,
    LostItsTurn,
    Worker,
    WorkerDied,
)
from starcoder_lsp.context.retrieve.stable_choice import Sticky
from starcoder_lsp.context.symbols import Import, Symbols

logger = logging.getLogger(__name__)

# Parse a document once typing has paused this long, and at the latest after the second.
REST_S = 0.15
LONGEST_WAIT_S = 1.0
MAX_VISITED = 50
MAX_PARSED_CHARACTERS = 1_000_000
# Lone surrogates, which an editor may send and neither a file nor an index can hold.
HALF_CHARACTERS = re.compile("[\ud800-\udfff]")


@dataclass
class IndexedDocument:
    """An open document; `root` and `relative` are empty outside all workspace folders.

    `is_placed`: its folder is known; `is_admitted`: the rules allow others to see it.
    `symbols` and `known_text` (redacted) belong to the last text that was parsed.
    `foreseen` holds the imports that have been looked up, `notebook` the notebook that
    the document is a cell of.
    """

    uri: str
    path: str | None
    language: str
    text: str
    version: int
    root: str = ""
    relative: str = ""
    is_admitted: bool = False
    is_placed: bool = False
    is_looked_at: bool = False
    notebook: str = ""
    symbols: Symbols = field(default_factory=lambda: Symbols("plaintext"))
    known_text: str | None = None
    foreseen: Sequence[Import] = ()
    sticky: Sticky = field(default_factory=Sticky)
    changed_at: float = 0.0
    waits_since: float | None = None


class OpenDocuments:
    """Follows the editor and parses documents that changed, one at a time.

    `on_parsed(document, text)`: a document that others may see was parsed.
    `on_left(root, relative)`: from now on the file counts as it is on disk.
    """

    def __init__(
        self,
        on_parsed: Callable[[IndexedDocument, str], None],
        on_left: Callable[[str, str], None],
        new_worker: Callable[[], Worker] = Worker.for_documents,
    ) -> None:
        self.wishes = Wishes()
        self.visited: list[str] = []
        self._roots: list[str] = []
        self._open: dict[str, IndexedDocument] = {}
        self._on_parsed, self._on_left = on_parsed, on_left
        self._worker = new_worker()
        self._changed = asyncio.Event()
        self._crashing: set[int] = set()

    def get(self, uri: str) -> IndexedDocument | None:
        return self._open.get(uri)

    def all(self) -> list[IndexedDocument]:
        return list(self._open.values())

    def holds(self, root: str, relative: str) -> bool:
        return any(one.is_admitted for one in self._at(root, relative))

    def has(self, root: str, relative: str) -> bool:
        return bool(self._at(root, relative))

    def doubt(self, root: str, relative: str) -> None:
        """Ask again whether the rules admit this file."""
        for document in self._at(root, relative):
            document.is_placed = False
            self._wait_for(document)

    def _at(self, root: str, relative: str) -> list[IndexedDocument]:
        documents = self._open.values()
        return [
            one for one in documents if (one.root, one.relative) == (root, relative)
        ]

    def use(self, roots: Sequence[str], wishes: Wishes) -> None:
        """Change folders or rules; each document is placed again."""
        self._roots, self.wishes = list(roots), wishes
        for document in self._open.values():
            document.is_placed = document.is_admitted = False
            document.foreseen = ()
            self._wait_for(document)

    def arrange(self, notebook: str, cells: Sequence[str]) -> None:
        """Set the cells of a notebook, in their order."""
        for one in self._open.values():
            one.notebook = "" if one.notebook == notebook else one.notebook
        for uri in cells:
            if (document := self._open.pop(uri, None)) is not None:
                document.notebook = notebook
                self._open[uri] = document

    def notebook_of(self, document: IndexedDocument) -> list[IndexedDocument]:
        """Return all cells of the document's notebook in order; empty without a notebook."""
        if not document.notebook:
            return []
        return [one for one in self.all() if one.notebook == document.notebook]

    def open(self, document: IndexedDocument) -> None:
        # VS Code names cells like this, also without telling of their notebook.
        notebook, mark, _ = document.uri.partition("#")
        document.notebook = notebook if mark else ""
        self._open[document.uri] = document
        self._wait_for(document)

    def change(self, uri: str, version: int, edits: Sequence[Sequence[Any]]) -> None:
        if (document := self._open.get(uri)) is not None:
            document.text = messages.apply(document.text, edits)
            document.version = version
            self._wait_for(document)

    def close(self, uri: str) -> None:
        document = self._open.pop(uri, None)
        if document is not None and document.root:
            self._on_left(document.root, document.relative)

    async def judge(self, uri: str, offset: int, texts: Sequence[str]) -> list[Any]:
        """Return the parser's judgement of each text at `offset`; empty if it has died."""
        document = self._open[uri]
        if _content(document) in self._crashing:
            return []
        request = {
            "op": "judge", "language": document.language, "text": document.text,
            "offset": offset, "texts": texts,
        }  # fmt: skip
        try:
            answer = await self._worker.ask(request)
        except (LostItsTurn, CannotStart):
            return []
        except WorkerDied:
            self._crashing.add(_content(document))
            return []
        return list(answer["judgements"])

    def visit(self, uri: str) -> None:
        others = [one for one in self.visited if one != uri]
        self.visited = [uri, *others][:MAX_VISITED]

    def _wait_for(self, document: IndexedDocument) -> None:
        document.changed_at = asyncio.get_running_loop().time()
        if document.waits_since is None:
            document.waits_since = document.changed_at
        self._changed.set()

    async def run(self) -> None:
        """Parse what changes until cancelled."""
        while True:
            if (document := self._longest_waiting()) is None:
                self._changed.clear()
                await self._changed.wait()
                continue
            assert document.waits_since is not None
            due = min(
                document.changed_at + REST_S, document.waits_since + LONGEST_WAIT_S
            )
            if not document.is_placed:
                due = 0.0
            await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
            if asyncio.get_running_loop().time() >= due:
                document.waits_since = None
                await self._look_at(document)
                document.is_looked_at = True

    async def end(self) -> None:
        await self._worker.close()

    def _longest_waiting(self) -> IndexedDocument | None:
        waiting = [one for one in self._open.values() if one.waits_since is not None]
        return min(waiting, key=lambda one: one.changed_at, default=None)

    async def _look_at(self, document: IndexedDocument) -> None:
        content = _content(document)
        if content in self._crashing or len(document.text) > MAX_PARSED_CHARACTERS:
            return
        try:
            if not document.is_placed:
                await self._find_place(document)
            text = HALF_CHARACTERS.sub("\ufffd", document.text)
            request = {"op": "document", "uri": document.uri, "language": document.language, "text": text}  # fmt: skip
            answer = await self._worker.ask(request)
        except LostItsTurn:
            self._wait_for(document)
            return
        except CannotStart:
            return  # the next change tries again
        except WorkerDied:
            logger.warning("a document crashes its parser and is left as it was")
            self._crashing.add(content)
            return
        document.symbols = messages.symbols_from(answer["symbols"])
        if document.is_admitted and self._open.get(document.uri) is document:
            self._on_parsed(document, answer["text"])

    async def _find_place(self, document: IndexedDocument) -> None:
        document.is_placed = True
        if document.path is None:
            return
        extra = list(self.wishes.ignore)
        request = {"op": "place", "path": document.path, "roots": self._roots, "extra": extra}  # fmt: skip
        try:
            answer = await self._worker.ask(request)
        except WorkerDied:
            document.is_placed = False
            raise
        document.root, document.relative = answer["root"], answer["path"]
        document.is_admitted = answer["is_admitted"]
        if document.root and not document.is_admitted:
            self._on_left(document.root, document.relative)


def _content(document: IndexedDocument) -> int:
    return hash((document.language, document.text))
