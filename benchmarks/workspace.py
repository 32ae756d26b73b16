"""How long a workspace takes to index, and what it costs, beside Universal Ctags.

    python benchmarks/workspace.py --root TREE [--json]

ctags reads the same tree in one process, before and after ours; its faster time counts.
The heartbeat is the longest gap of a 1 ms ticker in the process that an editor talks to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from starcoder_lsp.context import Edit, Progress
from starcoder_lsp.context.client import IndexedContext
from starcoder_lsp.flow import Cursor, Document

TICK_S = 0.001
N_LINES = 2000
N_EDITS = 20


def ctags_s(root: Path) -> float:
    """Universal Ctags over the tree."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["ctags", "-R", "-f", f"{folder}/tags", "--links=no", str(root)]
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - started


def tree_of(pid: int) -> list[int]:
    """A process and all that it has started."""
    listing = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    parents = dict(map(int, line.split()) for line in listing.stdout.splitlines())
    found = [pid]
    for child in sorted(parents):
        if parents[child] in found:
            found.append(child)
    return found


def resident_mib(pid: int) -> float:
    """Of the indexer and its workers together."""
    pids = ",".join(map(str, tree_of(pid)))
    listing = subprocess.run(
        ["ps", "-o", "rss=", "-p", pids], capture_output=True, text=True, check=False
    )
    return sum(map(int, listing.stdout.split())) / 1024


class Session:
    """One start of the context over a root, with a ticker beside it."""

    def __init__(self, root: Path) -> None:
        self.finished = asyncio.Event()
        self.started = time.perf_counter()
        self.gaps_s: list[float] = []
        self.most_mib = 0.0
        self.context = IndexedContext(max_files=100_000, on_progress=self._told)
        self.context.use_folders([root])

    def _told(self, progress: Progress) -> None:
        if progress.is_final:
            self.finished.set()

    async def until_indexed(self) -> float:
        self.context.start()
        ticking = asyncio.create_task(self._tick())
        measuring = asyncio.create_task(self._measure())
        await self.finished.wait()
        seconds = time.perf_counter() - self.started
        for task in (ticking, measuring):
            task.cancel()
        return seconds

    async def _tick(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()
            self.gaps_s.append(now - last - TICK_S)
            last = now

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            if (pid := self.context.pid) is not None:
                self.most_mib = max(
                    self.most_mib, await asyncio.to_thread(resident_mib, pid)
                )


def long_document() -> str:
    parts = (f"def function_{n}(a, b):\n    total = a + {n}\n    return total * b\n\n" for n in range(N_LINES // 4))  # fmt: skip
    return "".join(parts)


def edited_document_ms() -> list[float]:
    """From a keystroke to symbols and index, without processes and the pause of typing."""
    from starcoder_lsp.context import wire, worker
    from starcoder_lsp.context.database import in_memory
    from starcoder_lsp.context.index import Index

    text, times = long_document(), []
    index = Index(in_memory().connection)
    for n in range(N_EDITS + 1):
        text = wire.apply(text, wire.edits_rows([Edit(text.index("total"), text.index("total") + 5, f"total{n}")]))  # fmt: skip
        started = time.perf_counter()
        request = {"uri": "a", "language": "python", "text": text}
        (answer,) = worker.OPERATIONS["document"](request)
        index.put("a.py", answer["text"], wire.symbols_from(answer["symbols"]))
        times.append((time.perf_counter() - started) * 1000)
    return times[1:]


async def gather_ms(context: IndexedContext, root: Path) -> list[float]:
    text = long_document() + "x = function_7("
    document = Document(text, (root / "new.py").as_uri(), "python", 1)
    context.open(document.uri, root / "new.py", "python", text, 1)
    cursor = Cursor(document, len(text))
    await asyncio.sleep(1)
    times = []
    for _ in range(100):
        started = time.perf_counter()
        await context.gather(cursor, 2250, range(max(len(text) - 3000, 0), len(text)))
        times.append((time.perf_counter() - started) * 1000)
    return times


async def measured(root: Path) -> dict[str, Any]:
    before = ctags_s(root)
    first = Session(root)
    full_s = await first.until_indexed()
    counted = await first.context.statistics()
    queries = await gather_ms(first.context, root)
    await first.context.close()
    after = ctags_s(root)
    again = Session(root)
    second_s = await again.until_indexed()
    await again.context.close()
    edits = edited_document_ms()
    theirs = min(before, after)
    return {
        "files": counted.n_files,
        "definitions": counted.n_symbols,
        "ctags_s": theirs,
        "full_index_s": full_s,
        "times_ctags": full_s / theirs,
        "second_start_s": second_s,
        "resident_mib": first.most_mib,
        "heartbeat_gap_ms": max(first.gaps_s) * 1000,
        "heartbeat_gap_p999_ms": statistics.quantiles(first.gaps_s, n=1000)[-1] * 1000,
        "edited_document_ms": statistics.median(edits),
        "gather_p50_ms": statistics.median(queries),
        "gather_p99_ms": statistics.quantiles(queries, n=100)[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if shutil.which("ctags") is None:
        parser.error("Universal Ctags is not installed")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["STARCODER_LSP_CACHE"] = cache
        figures = asyncio.run(measured(arguments.root.resolve()))
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(
            f"{name:24} {value:10.2f}"
            if isinstance(value, float)
            else f"{name:24} {value:10}"
        )


if __name__ == "__main__":
    main()
