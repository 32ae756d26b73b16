"""Measures how long hostile input blocks the front process.

    python benchmarks/hostile_input.py [NAME ...]

A server in this process, with a scripted engine, reads each input from a pipe, while a
heartbeat records the longest time between two beats: as CPU time of this process, which
does not depend on the load of the machine, and as wall time. The last column is the time
until the server answers a request that follows the input.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.lsp import stdio
from starcoder_lsp.lsp.handlers import create_server
from starcoder_lsp.lsp.messages.streams import open_reader
from starcoder_lsp.runtime import log
from starcoder_lsp.settings.resolve import Layer

URI = "untitled:a.py"
OPTIONS = {"statistics": False, "context": True, "debounce_ms": 0, "speculate": "never"}
SIZE = 8_000_000
LINE = "    foo = foo_bar(foo, 1)  # some text to make lines usual\n"


def framed(message: Any) -> bytes:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def call(method: str, params: Any, **fields: Any) -> bytes:
    return framed({"jsonrpc": "2.0", "method": method, "params": params, **fields})


def opening(text: str, uri: str = URI) -> bytes:
    item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    return call("textDocument/didOpen", {"textDocument": item})


def change(*changes: Any) -> bytes:
    identifier = {"uri": URI, "version": 2}
    params = {"textDocument": identifier, "contentChanges": list(changes)}
    return call("textDocument/didChange", params)


def edit(line: int, column: int, n_units: int = 3, text: str = "quux") -> Any:
    start = {"line": line, "character": column}
    end = {"line": line, "character": column + n_units}
    return {"range": {"start": start, "end": end}, "text": text}


def question(line: int, column: int) -> bytes:
    params = {
        "textDocument": {"uri": URI},
        "position": {"line": line, "character": column},
        "context": {"triggerKind": 1},
    }
    return call("textDocument/inlineCompletion", params, id="question")


def command(arguments: bytes) -> bytes:
    return framed(
        b'{"jsonrpc":"2.0","id":1,"method":"workspace/executeCommand","params":'
        b'{"command":"starcoder.explain","arguments":[%s]}}' % arguments
    )


def lines(n_characters: int = SIZE) -> str:
    return LINE * (n_characters // len(LINE))


Bytes = Callable[[], bytes]
# For each name, the bytes to send first, and the bytes to measure.
INPUTS: Mapping[str, tuple[Bytes, Bytes]] = {
    "open 8 MB": (bytes, lambda: opening(lines())),
    "open one line of 8 MB": (bytes, lambda: opening("x" * SIZE)),
    "open 8 MB of é": (bytes, lambda: opening("é" * (SIZE // 6))),
    "open 8 MB of line ends": (bytes, lambda: opening("\n" * (SIZE // 2))),
    "open 8 MB of carriage returns": (bytes, lambda: opening("\r" * (SIZE // 2))),
    "replace 8 MB whole": (lambda: opening(lines()), lambda: change({"text": lines()})),
    "a key in 8 MB": (lambda: opening(lines()), lambda: change(edit(60_000, 4))),
    "a key in a line of 8 MB": (
        lambda: opening("x" * SIZE),
        lambda: change(edit(0, 4_000_000)),
    ),
    "a key in a line of 1.3 million é": (
        lambda: opening("é" * (SIZE // 6)),
        lambda: change(edit(0, 1_000_000)),
    ),
    "a question in 8 MB": (lambda: opening(lines()), lambda: question(60_000, 0)),
    "a question in a line of 8 MB": (
        lambda: opening("x " * (SIZE // 2)),
        lambda: question(0, SIZE // 2),
    ),
    "16,000 edits back": (
        lambda: opening(LINE * 16_000),
        lambda: change(*(edit(i, 4) for i in reversed(range(16_000)))),
    ),
    "16,000 edits forth": (
        lambda: opening(LINE * 16_000),
        lambda: change(*(edit(i, 4) for i in range(16_000))),
    ),
    "70,000 edits back": (
        lambda: opening(LINE * 70_000),
        lambda: change(*(edit(i, 4) for i in reversed(range(70_000)))),
    ),
    "16,000 edits back in a line of 1 MB": (
        lambda: opening("foo(é) " * 140_000),
        lambda: change(*(edit(0, 7 * i) for i in reversed(range(16_000)))),
    ),
    "16,000 edits forth in a line of 1 MB": (
        lambda: opening("foo(é) " * 140_000),
        lambda: change(*(edit(0, 8 * i) for i in range(16_000))),
    ),
    "8 MB of brackets": (bytes, lambda: command(b"[" * SIZE)),
    "60,000 nested objects": (bytes, lambda: command(b'{"a":' * 60_000 + b"1" + b"}" * 60_000)),
    "60,000 objects": (bytes, lambda: command(b",".join([b'{"a":{"b":1}}'] * 60_000))),
    "8 MB of objects": (bytes, lambda: command(b",".join([b"{}"] * (SIZE // 3)))),
    "8 MB of numbers": (bytes, lambda: command(b",".join([b"1"] * (SIZE // 2)))),
    "8 MB of keys": (bytes, lambda: command(b"{" + b",".join(b'"%d":1' % i for i in range(700_000)) + b"}")),
    "8 MB of settings": (bytes, lambda: call("workspace/didChangeConfiguration", {"settings": {"starcoder": {str(i): i for i in range(500_000)}}})),
    "8 MB of file events": (bytes, lambda: call("workspace/didChangeWatchedFiles", {"changes": [{"uri": f"file:///p/{i}.py", "type": 1} for i in range(180_000)]})),
    "100,000 messages at once": (bytes, lambda: call("no/such/notification", {}) * 100_000),
    "a method of 8 MB": (bytes, lambda: call("m" * SIZE, {}, id=1)),
    "an id of 8 MB": (bytes, lambda: call("no/such", {}, id="i" * SIZE)),
    "a name of 8 MB": (bytes, lambda: opening("x", "untitled:" + "a" * SIZE)),
    "8 MB of NULs": (bytes, lambda: b"\0" * SIZE),
    "a body of 8 MB of NULs": (bytes, lambda: framed(b"\0" * SIZE)),
    "open 70 MB": (bytes, lambda: opening("x" * 70_000_000)),
}  # fmt: skip


class Answers:
    """The client's end of stdout, which waits for certain answers."""

    def __init__(self) -> None:
        self.seen: dict[str, asyncio.Event] = {"ready": asyncio.Event(), "end": asyncio.Event()}  # fmt: skip

    def write(self, data: bytes) -> None:
        for name, event in self.seen.items():
            if b'"id": "%s"' % name.encode() in data[:200]:
                event.set()

    def close(self) -> None: ...


class Client:
    """A process that writes parts of its bytes into a pipe, one at each `goes_on`."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        for i, part in enumerate(parts):
            Path(self._folder.name, str(i)).write_bytes(part)
        script = "; ".join(f"read go; cat {i}" for i in range(len(parts))) + "; read go"
        self._process = subprocess.Popen(
            ["sh", "-c", script],
            cwd=self._folder.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self.output: Any = self._process.stdout

    def goes_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def ends(self) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


class Heartbeat:
    """Beats as often as the event loop lets it."""

    def __init__(self) -> None:
        self.computing_s = self.wall_s = 0.0
        self._task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        computing, wall = time.process_time(), time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now, wall_now = time.process_time(), time.perf_counter()
            self.computing_s = max(self.computing_s, now - computing)
            self.wall_s = max(self.wall_s, wall_now - wall)
            computing, wall = now, wall_now

    def end(self) -> None:
        self._task.cancel()


async def measure(before: bytes, measured: bytes) -> tuple[Heartbeat, float]:
    """Return the heartbeat while `measured` is read, and the seconds until the answer."""
    server = create_server(
        Layer("test", OPTIONS), lambda *_, **__: ScriptedEngine(["1"])
    )
    answers = Answers()
    server.protocol.set_writer(answers)
    start = call("initialize", {"processId": None, "capabilities": {}}, id=0)
    start += call("initialized", {}) + before + call("no/such", {}, id="ready")
    end = call("no/such", {}, id="end")
    client = Client((start, measured + end))
    pump = asyncio.create_task(stdio._pump(server, await open_reader(client.output)))
    client.goes_on()
    await answers.seen["ready"].wait()
    await asyncio.sleep(0.3)
    heartbeat, began = Heartbeat(), time.perf_counter()
    client.goes_on()
    await answers.seen["end"].wait()
    seconds = time.perf_counter() - began
    # A question is answered behind it.
    await asyncio.sleep(0.5)
    heartbeat.end()
    client.ends()
    pump.cancel()
    await server.close()
    return heartbeat, seconds


def chosen(names: list[str]) -> Iterator[tuple[str, bytes, bytes]]:
    for name, (before, measured) in INPUTS.items():
        if not names or any(one in name for one in names):
            yield name, before(), measured()


def main() -> None:
    log.set_up("error")
    os.environ["STARCODER_LSP_CONFIG"] = "/nowhere/config.toml"
    gc.freeze()
    print(
        f"{'input':38} {'MB':>6} {'longest stop':>13} {'wall':>8} {'answered after':>15}"
    )
    for name, before, measured in chosen(sys.argv[1:]):
        heartbeat, seconds = asyncio.run(measure(before, measured))
        print(
            f"{name:38} {len(measured) / 1e6:6.1f} {heartbeat.computing_s * 1000:10.0f} ms"
            f" {heartbeat.wall_s * 1000:5.0f} ms {seconds:13.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
