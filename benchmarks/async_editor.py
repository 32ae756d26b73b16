"""A client that does not wait: requests overlap, and each is kept until it is answered."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

ANSWER_S = 60.0
REQUEST_CANCELLED = -32800
Message = dict[str, Any]


class Editor:
    """One server and its client; every request is kept until it is answered."""

    def __init__(self, process: asyncio.subprocess.Process, root: Path) -> None:
        self.process = process
        self.unanswered: dict[int, asyncio.Future[Message]] = {}
        self.latencies_ms: list[float] = []
        self.counts: Counter[str] = Counter()
        self._root = root
        self._ids = itertools.count(1)
        self._versions = itertools.count(2)
        self._texts: dict[Path, str] = {}
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._log()),
        ]

    @classmethod
    async def start(cls, root: Path, cache: Path) -> Editor:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "starcoder_lsp", "serve",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "STARCODER_LSP_CACHE": str(cache)},
        )  # fmt: skip
        editor = cls(process, root)
        params = {
            "processId": os.getpid(),
            "rootUri": root.as_uri(),
            "capabilities": {},
        }
        await asyncio.wait_for(editor.ask("initialize", params), ANSWER_S)
        editor.send("initialized", {})
        return editor

    def send(self, method: str, params: Any, **more: Any) -> None:
        assert self.process.stdin is not None
        message = {"jsonrpc": "2.0", "method": method, "params": params, **more}
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def ask(self, method: str, params: Any) -> asyncio.Future[Message]:
        request_id = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self.unanswered[request_id] = answer
        answer.request_id = request_id  # type: ignore[attr-defined]  # for `cancel`
        self.send(method, params, id=request_id)
        return answer

    def cancel(self, answer: Any) -> None:
        self.counts["cancels"] += 1
        self.send("$/cancelRequest", {"id": answer.request_id})

    def text(self, file: Path) -> str:
        if file not in self._texts:
            self._texts[file] = file.read_text("utf-8")
            item = {
                "uri": file.as_uri(),
                "languageId": "python",
                "version": 1,
                "text": self._texts[file],
            }
            self.send("textDocument/didOpen", {"textDocument": item})
        return self._texts[file]

    def close_file(self, file: Path) -> None:
        if self._texts.pop(file, None) is not None:
            document = {"textDocument": {"uri": file.as_uri()}}
            self.send("textDocument/didClose", document)

    def insert(self, file: Path, offset: int, text: str) -> int:
        """Type `text`, and return the offset behind it."""
        whole, place = self.text(file), self._place(file, offset)
        self._texts[file] = whole[:offset] + text + whole[offset:]
        document = {"uri": file.as_uri(), "version": next(self._versions)}
        change = {"range": {"start": place, "end": place}, "text": text}
        self.send(
            "textDocument/didChange",
            {"textDocument": document, "contentChanges": [change]},
        )
        self.counts["keys"] += len(text)
        return offset + len(text)

    def complete(self, file: Path, offset: int) -> asyncio.Future[Message]:
        params = {
            "textDocument": {"uri": file.as_uri()},
            "position": self._place(file, offset),
            "context": {"triggerKind": random.choice((1, 2, 2, 2))},
        }
        began = time.monotonic()
        answer = self.ask("textDocument/inlineCompletion", params)
        answer.add_done_callback(lambda done: self._count(done, began))
        return answer

    async def suggested(self, answer: asyncio.Future[Message]) -> str:
        """Wait for an answer; return the text of its first suggestion, `""` for none."""
        with suppress(TimeoutError):
            message = await asyncio.wait_for(asyncio.shield(answer), ANSWER_S)
            items = (message.get("result") or {}).get("items")
            return items[0]["insertText"] if items else ""
        return ""

    async def end(self, *, kill: bool = False) -> None:
        if kill:
            self.process.kill()
            self.unanswered.clear()
        else:
            await asyncio.wait_for(self.ask("shutdown", None), ANSWER_S)
            self.send("exit", None)
        await asyncio.wait_for(self.process.wait(), ANSWER_S)
        await asyncio.gather(*self._tasks)

    def _count(self, done: asyncio.Future[Message], began: float) -> None:
        if done.cancelled():
            return
        self.latencies_ms.append((time.monotonic() - began) * 1000)
        message = done.result()
        # A request that we have cancelled is answered with an error, too.
        error_code = message.get("error", {}).get("code")
        self.counts["errors"] += error_code not in (None, REQUEST_CANCELLED)
        items = (message.get("result") or {}).get("items")
        self.counts["suggestions" if items else "answers without one"] += 1

    def _place(self, file: Path, offset: int) -> Message:
        before = self._texts[file][:offset]
        return {
            "line": before.count("\n"),
            "character": offset - before.rfind("\n") - 1,
        }

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            length = 0
            while line.strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                line = await self.process.stdout.readline()
            message = json.loads(await self.process.stdout.readexactly(length))
            if "method" not in message:
                answer = self.unanswered.pop(message["id"], None)
                self.counts["answers to nothing"] += answer is None
                if answer is not None and not answer.done():
                    answer.set_result(message)

    async def _log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.counts["lines of log"] += 1
            self.counts["tracebacks"] += line.startswith(b"Traceback")

    async def left_unanswered(self) -> int:
        """Return the number of requests without an answer a minute after the last key."""
        with suppress(TimeoutError):
            waiting = list(self.unanswered.values())
            await asyncio.wait_for(asyncio.gather(*waiting), ANSWER_S)
        return len(self.unanswered)
