"""The context as the front process sees it: a supervised child, and waits that end."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from starcoder_lsp.context import (
    Edit,
    Gathered,
    IndexingProgress,
    Statistics,
    are_rules,
    messages,
)
from starcoder_lsp.flow import Cursor, Judgement
from starcoder_lsp.runtime.child import Child, python_module
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import KEEP_TRYING, RestartPolicy
from starcoder_lsp.runtime.watchdog import Watchdog

logger = logging.getLogger(__name__)

GATHER_MS = 60
JUDGE_MS = 60
STATISTICS_MS = 5000
# An indexer that owes answers and is silent this long hangs, and is restarted.
HANG_S = 20.0
ANSWERS = "answers"
# Larger documents are generated, and are not sent to the indexer.
MAX_DOCUMENT_CHARACTERS = 2_000_000


class IndexedContext:
    """The workspace folders and open documents, which are sent to each new child."""

    def __init__(
        self,
        *,
        max_files: int = 20_000,
        ignore: Sequence[str] = (),
        on_progress: Callable[[IndexingProgress], None] = lambda progress: None,
        policy: RestartPolicy = KEEP_TRYING,
        log_level: str = "warning",
    ) -> None:
        self._max_files, self._ignore = max_files, list(ignore)
        self._on_progress = on_progress
        self._folders: list[str] = []
        self._documents: dict[str, Frame] = {}
        self._notebooks: dict[str, Frame] = {}
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Frame | None]] = {}
        self._last: tuple[str, Gathered] = ("", Gathered())
        self._child = Child(
            python_module("starcoder_lsp.context.indexer.process", log_level),
            on_start=self._tell_all,
            on_frame=self._receive,
            on_exit=self._exited,
            policy=policy,
        )
        self._watchdog = Watchdog(self._child.kill)

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def start(self) -> None:
        self._child.start()

    async def close(self) -> None:
        self._watchdog.stop()
        self._give_up_waiting()
        await self._child.close()

    def use_folders(self, folders: Sequence[Path]) -> None:
        self._folders = [str(folder) for folder in folders]
        self._child.send(self._folders_frame())

    def open(
        self, uri: str, path: Path | None, language: str, text: str, version: int
    ) -> None:
        if len(text) > MAX_DOCUMENT_CHARACTERS:
            return
        frame: Frame = {
            "op": "open", "uri": uri, "path": str(path) if path else None,
            "language": language, "text": text, "version": version,
        }  # fmt: skip
        self._documents[uri] = frame
        self._child.send(frame)

    def change(self, uri: str, version: int, edits: Sequence[Edit]) -> None:
        document = self._documents.get(uri)
        if document is None:
            return
        rows = messages.edits_rows(edits)
        document["text"] = messages.apply(document["text"], rows)
        document["version"] = version
        frame = {"op": "change", "uri": uri, "version": version, "edits": rows}
        self._child.send(frame)

    def close_document(self, uri: str) -> None:
        if self._documents.pop(uri, None) is not None:
            self._child.send({"op": "close", "uri": uri})

    def arrange(self, notebook: str, cells: Sequence[str]) -> None:
        frame: Frame = {"op": "arrange", "notebook": notebook, "cells": list(cells)}
        self._notebooks[notebook] = frame
        if not cells:
            del self._notebooks[notebook]
        self._child.send(frame)

    def visit(self, uri: str) -> None:
        if uri in self._documents:
            self._child.send({"op": "visit", "uri": uri})

    def files_changed(self, paths: Sequence[Path]) -> None:
        if any(map(are_rules, paths)):
            self._last = "", Gathered()
        self._child.send({"op": "files", "paths": [str(path) for path in paths]})

    async def gather(
        self, cursor: Cursor, budget_characters: int, shown: range
    ) -> Gathered:
        document = cursor.document
        frame: Frame = {
            "op": "gather", "uri": document.uri, "version": document.version,
            "offset": cursor.offset - len(cursor.chosen), "chosen": cursor.chosen,
            "budget": budget_characters, "shown": [shown.start, shown.stop],
        }  # fmt: skip
        answer = await self._ask(frame, GATHER_MS)
        if answer is not None:
            self._last = document.uri, messages.gathered_from(answer)
        uri, gathered = self._last
        return gathered if uri == document.uri else Gathered()

    async def judge(self, cursor: Cursor, texts: Sequence[str]) -> list[Judgement]:
        document = cursor.document
        frame: Frame = {
            "op": "judge", "uri": document.uri, "version": document.version,
            "offset": cursor.offset, "texts": list(texts),
        }  # fmt: skip
        answer = await self._ask(frame, JUDGE_MS)
        return messages.judgements_from(answer) if answer is not None else []

    async def statistics(self) -> Statistics:
        answer = await self._ask({"op": "statistics"}, STATISTICS_MS)
        return messages.statistics_from(answer) if answer is not None else Statistics()

    async def _ask(self, frame: Frame, deadline_ms: int) -> Frame | None:
        """Return the child's answer; None if it does not come in time."""
        if self.pid is None:
            return None
        request_id = next(self._ids)
        answer: asyncio.Future[Frame | None]
        answer = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        self._watchdog.expect(ANSWERS, HANG_S)
        self._child.send({**frame, "id": request_id})
        try:
            async with asyncio.timeout(deadline_ms / 1000):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._waiting[request_id]

    def _receive(self, frame: Frame) -> None:
        self._watchdog.settle(ANSWERS)
        if frame["op"] == "progress":
            self._on_progress(
                IndexingProgress(frame["n_done"], frame["n_total"], frame["is_final"])
            )
        elif (waiting := self._waiting.get(frame["id"])) and not waiting.done():
            waiting.set_result(frame)

    def _tell_all(self) -> None:
        self._child.send(self._folders_frame())
        for frame in (*self._documents.values(), *self._notebooks.values()):
            self._child.send(frame)

    def _folders_frame(self) -> Frame:
        return {
            "op": "folders", "folders": self._folders,
            "max_files": self._max_files, "ignore": self._ignore,
        }  # fmt: skip

    def _exited(self, gave_up: bool) -> None:
        self._watchdog.stop()
        self._give_up_waiting()
        if gave_up:
            logger.error("the indexer keeps dying: no context from other files")
            self._on_progress(IndexingProgress(0, 0, is_final=True, is_lost=True))

    def _give_up_waiting(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result(None)
