"""Compares starcoder-lsp with a naive server during a session of typing.

    python benchmarks/typing --model GGUF [--session FILE] [--json FILE] [--parts N]

A session is a file of JSON lines. The first has the text above and below the cursor; each
other row has a gap in milliseconds and a key. The key `back` deletes a character. At
`look`, the writer reads the ghost text and accepts it if it is the text that comes next.

`session.jsonl` writes a small Python module. It is not a recording of a person: a program
made it from a text, with random gaps (mean 239 ms, deviation 112 ms; Dhakal et al., CHI
2018), pauses before lines, and wrong keys that are deleted again. `record.lua` records a
session of your own.

The editor indents, sends a request after each key, cancels the request before it, and
draws the rest of a suggestion while the writer types through it. Both servers get the
same session over LSP, in alternating parts. Model seconds are the CPU seconds of the
engine's process. A flicker is a suggestion that disappears or changes on the screen,
although the writer was typing through it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from session import Session, Step, session

HERE = Path(__file__).parent
URI = "file:///bench/numbers.py"
LEAST_ACCEPTED = 3
# The server's log line of an answer that needed no work of the model.
KNOWN = b"0 of 0 prompt tokens evaluated, 0 generated"
PARTS = 4
# An idle engine measures its speed once for each model and machine.
SETTLE_S = 5.0


@dataclass
class Figures:
    n_keys: int = 0
    n_shown: int = 0
    n_accepted: int = 0
    n_flickers: int = 0
    n_free: int = 0
    typing_s: float = 0.0
    model_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)

    def as_object(self) -> dict[str, float]:
        minutes = self.typing_s / 60
        return {
            "keystrokes": self.n_keys,
            "minutes_of_typing": round(minutes, 2),
            "suggestions_shown": self.n_shown,
            "accepted": self.n_accepted,
            "flickers": self.n_flickers,
            "model_seconds_per_minute": round(self.model_s / minutes, 2),
            "answered_without_the_model": round(self.n_free / max(self.n_keys, 1), 3),
            "latency_ms_p50": round(statistics.median(self.latencies_ms or [0]), 1),
        }


class Editor:
    """One server, one document, one writer."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, above: str
    ) -> None:
        self.name = name
        self.figures = Figures()
        self._process = process
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._n_requests = self._version = 0
        self._text = above
        self._ghost = ""
        self._asked: asyncio.Task[None] | None = None
        self._asked_id = 0
        self._ready = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._read_log()),
        ]

    @classmethod
    async def start(cls, name: str, command: list[str], shown: Session) -> Editor:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe
        )
        editor = cls(name, process, shown.above)
        params = {
            "processId": os.getpid(),
            "rootUri": None,
            "capabilities": {},
            "initializationOptions": {"notifications": ["didChangeStatus"]},
        }
        await editor._request("initialize", params)
        editor._notify("initialized", {})
        document = {"uri": URI, "languageId": "python", "version": 0,
                    "text": shown.above + shown.below}  # fmt: skip
        editor._notify("textDocument/didOpen", {"textDocument": document})
        await editor._ready.wait()
        await asyncio.sleep(SETTLE_S)
        return editor

    async def types(self, steps: list[Step]) -> None:
        """Type the text of the steps, at their pace."""
        begun, cpu = time.monotonic(), self._model_cpu_s()
        target = "".join(step.text for step in steps)
        n_given = n_passed = 0
        for step in steps:
            n_passed += len(step.text)
            missing = step.text[len(step.text) - (n_passed - n_given) :]
            if n_passed <= n_given and step.text:
                continue  # an accepted suggestion has inserted it already
            for gap_ms, key in step.keys:
                await asyncio.sleep(gap_ms / 1000)
                if key == "look":
                    n_given += self._accept(target[n_given:])
                elif key == "back":
                    self._change(self._text[:-1])
                elif key == step.text:
                    self._type(missing)
                    n_given = n_passed
                else:
                    self._type(key)
        await asyncio.sleep(1.0)
        self.figures.typing_s += time.monotonic() - begun
        self.figures.model_s += self._model_cpu_s() - cpu

    async def close(self) -> None:
        self._process.kill()
        await self._process.wait()
        for task in self._tasks:
            task.cancel()

    def _type(self, text: str) -> None:
        self._ghost = self._ghost[len(text) :] if self._ghost.startswith(text) else ""
        self.figures.n_keys += 1
        self._change(self._text + text, keeps_ghost=True)

    def _accept(self, target: str) -> int:
        """Accept the ghost text, or its first line, if the target continues with it."""
        first = self._ghost.partition("\n")[0]
        for text in (self._ghost, first):
            if len(text.strip()) >= LEAST_ACCEPTED and target.startswith(text):
                self.figures.n_accepted += 1
                self._change(self._text + text)
                return len(text)
        return 0

    def _change(self, text: str, *, keeps_ghost: bool = False) -> None:
        if not keeps_ghost:
            self._ghost = ""
        n_same = min(len(text), len(self._text))  # edits happen only at the end
        edit = {
            "range": {
                "start": position(self._text, n_same),
                "end": position(self._text, len(self._text)),
            },
            "text": text[n_same:],
        }
        self._version += 1
        self._text = text
        document = {"uri": URI, "version": self._version}
        params = {"textDocument": document, "contentChanges": [edit]}
        self._notify("textDocument/didChange", params)
        if self._asked is not None and not self._asked.done():
            self._notify("$/cancelRequest", {"id": self._asked_id})
        self._asked = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        text, started = self._text, time.perf_counter()
        params = {
            "textDocument": {"uri": URI},
            "position": position(text, len(text)),
            "context": {"triggerKind": 2},
        }
        answer = await self._request("textDocument/inlineCompletion", params)
        if answer is None or text != self._text:
            return
        self.figures.latencies_ms.append((time.perf_counter() - started) * 1000)
        items = answer["items"]
        self._show(items[0]["insertText"] if items else "")

    def _show(self, text: str) -> None:
        if self._ghost and not text.startswith(self._ghost):
            self.figures.n_flickers += 1
        self.figures.n_shown += bool(text) and not self._ghost
        self._ghost = text

    def _model_cpu_s(self) -> float:
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ticks = 0
        for child in children:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"engines.llama" not in command:
                continue  # the indexer
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    # Messages

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        header = b"Content-Length: %d\r\n\r\n" % len(body)
        self._process.stdin.write(header + body)

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    async def _request(self, method: str, params: dict[str, Any]) -> Any:
        self._n_requests += 1
        self._asked_id = self._n_requests
        future = asyncio.get_running_loop().create_future()
        self._waiting[self._n_requests] = future
        self._send({"id": self._n_requests, "method": method, "params": params})
        return await future

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while header := await self._process.stdout.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                header = await self._process.stdout.readline()
            message = json.loads(await self._process.stdout.readexactly(length))
            if "method" not in message:
                self._waiting.pop(message["id"]).set_result(message.get("result"))
            elif "ready" in str(message.get("params", {}).get("message", "")):
                self._ready.set()

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self.figures.n_free += KNOWN in line


def position(text: str, offset: int) -> dict[str, int]:
    start = text.rfind("\n", 0, offset) + 1
    return {"line": text.count("\n", 0, offset), "character": offset - start}


def command(module: list[str], model: Path, *flags: str) -> list[str]:
    return [sys.executable, "-P", *module, "--model-path", str(model), "--log-level",
            "info", "--time-budget-ms", "10000", "--statistics", "false", *flags]  # fmt: skip


async def compare(
    model: Path, typed: Session, n_parts: int
) -> dict[str, dict[str, float]]:
    servers = {
        "starcoder-lsp": command(["-m", "starcoder_lsp", "serve"], model),
        "naive": command([str(HERE / "naive_server.py")], model),
    }
    editors = [await Editor.start(name, line, typed) for name, line in servers.items()]
    steps = typed.steps
    size = -(-len(steps) // PARTS)
    for n in range(min(n_parts, PARTS)):
        for editor in editors:
            await editor.types(steps[n * size : (n + 1) * size])
    for editor in editors:
        await editor.close()
    return {editor.name: editor.figures.as_object() for editor in editors}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", type=Path, required=True, help="a SmolLM2 as a GGUF file"
    )
    parser.add_argument(
        "--session",
        type=Path,
        default=HERE / "session.jsonl",
        help="a recorded session",
    )
    parser.add_argument(
        "--parts", type=int, default=PARTS, help="how many of the session's 4 parts"
    )
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args()
    typed = session(arguments.session)
    results = asyncio.run(compare(arguments.model.absolute(), typed, arguments.parts))
    ours, naive = results.values()
    key = "model_seconds_per_minute"
    share = ours[key] / naive[key]
    for figure in ours:
        print(
            f"{figure:32}" + "".join(f"{row[figure]:>16}" for row in results.values())
        )
    print(f"model time relative to the naive server: {share:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({**results, "share": share}, indent=1))


if __name__ == "__main__":
    main()
