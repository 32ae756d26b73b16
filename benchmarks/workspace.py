"""Measures what indexing a workspace costs, compared with Universal Ctags.

    python benchmarks/workspace.py --root TREE [--tree-sitter] [--json]

ctags reads the same tree in one process, before and after the index. Both are measured
twice, and the faster time counts. On a busy machine, CPU times say more than wall times.

- heartbeat: the longest gap of a 1 ms timer in the process that an editor talks to;
- resident memory: pages that processes share count for each process;
- proportional memory: shared pages count once;
- queries: at a place where the user types (gather), and at three places each in files
  that were just opened for the first time (new_place).

With --tree-sitter, the parsers alone read the tree once more, in one process. No index
that uses them can be faster.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from starcoder_lsp.context import Edit, IndexingProgress
from starcoder_lsp.context.client import IndexedContext
from starcoder_lsp.flow import Cursor, Document
from starcoder_lsp.languages import language_of

TICK_S = 0.001
N_LINES = 2000
N_EDITS = 20
SAMPLED = (".py", ".ts", ".cpp", ".c", ".h", ".go", ".rs", ".java")
N_SAMPLED = 60
# In shorter files the places are so close that one answer serves the next as well.
SHORTEST_LINES = 100
# The time from opening a file to the first query: the user has to reach the place first.
OPENED_S = 0.4


class Cost(NamedTuple):
    """Wall time, and the CPU time of all processes, in seconds."""

    wall_s: float
    cpu_s: float


def ctags_cost(root: Path) -> Cost:
    """Run Universal Ctags over the tree."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["ctags", "-R", "-f", f"{folder}/tags", "--links=no", str(root)]
        started, before = time.perf_counter(), os.times()
        subprocess.run(command, check=True, capture_output=True)
        after = os.times()
        user_s = after.children_user - before.children_user
        system_s = after.children_system - before.children_system
        return Cost(time.perf_counter() - started, user_s + system_s)


def tree_of(pid: int) -> list[int]:
    """Return a process and its descendants, from /proc: starting `ps` would stall us."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        below = [tree_of(int(child)) for child in children.read_text().split()]
    except OSError:
        below = []
    return [pid, *(one for part in below for one in part)]


def resident_mib(pids: Sequence[int]) -> float:
    """Return the resident memory of the processes together."""
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def proportional_mib(pids: Sequence[int]) -> float:
    """Return the memory with shared pages counted once; takes some milliseconds."""
    kib = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            kib += sum(int(x.split()[1]) for x in lines if x.startswith("Pss:"))
    return kib / 1024


def computed_s(pids: Sequence[int]) -> float:
    """Return the CPU time of the processes and of their children that have ended."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, stat[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Session:
    """Starts the context for a folder, and measures the gaps of a ticker meanwhile.

    A tick is late because this process computes or because the machine is busy;
    `busiest_s` is the longest computation of this process between two ticks.
    """

    def __init__(self, root: Path) -> None:
        self.finished = asyncio.Event()
        self.started = time.perf_counter()
        self.gaps_s: list[float] = []
        self.busiest_s = 0.0
        self.most_mib = self.most_proportional_mib = 0.0
        self.cpu_s = 0.0
        self.context = IndexedContext(max_files=100_000, on_progress=self._told)
        self.context.use_folders([root])

    def _told(self, progress: IndexingProgress) -> None:
        if progress.is_final:
            self.finished.set()

    async def until_indexed(self) -> Cost:
        self.context.start()
        ticking = asyncio.create_task(self._tick())
        measuring = asyncio.create_task(self._measure())
        await self.finished.wait()
        seconds = time.perf_counter() - self.started
        for task in (ticking, measuring):
            task.cancel()
        self._look()
        return Cost(seconds, self.cpu_s)

    async def _tick(self) -> None:
        last, last_cpu = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(TICK_S)
            now, now_cpu = time.perf_counter(), time.thread_time()
            self.gaps_s.append(now - last - TICK_S)
            self.busiest_s = max(self.busiest_s, now_cpu - last_cpu)
            last, last_cpu = now, now_cpu

    async def _measure(self) -> None:
        for n in itertools.count():
            self._look()
            if n % 10 == 0 and (pid := self.context.pid) is not None:
                mib = await asyncio.to_thread(proportional_mib, tree_of(pid))
                self.most_proportional_mib = max(self.most_proportional_mib, mib)
            await asyncio.sleep(0.1)

    def _look(self) -> None:
        if (pid := self.context.pid) is not None:
            pids = tree_of(pid)
            self.most_mib = max(self.most_mib, resident_mib(pids))
            self.cpu_s = max(self.cpu_s, computed_s(pids))


def tree_sitter_cpu_s(root: Path) -> dict[str, float]:
    """Return the CPU time of parsers and queries alone, for outlines and whole files."""
    from tree_sitter import QueryCursor

    from starcoder_lsp.context.files.unwanted import MAX_FILE_BYTES
    from starcoder_lsp.context.files.walk import Bounds, Walk
    from starcoder_lsp.context.syntax import grammar_of, outline
    from starcoder_lsp.languages import language_of

    seconds = {"outlines": 0.0, "whole": 0.0}
    for path, n_bytes, _ in Walk(str(root), [], Bounds(max_files=100_000)):
        grammar = grammar_of(language_of(Path(path)))
        if grammar is None or n_bytes > MAX_FILE_BYTES:
            continue
        whole = (root / path).read_bytes()
        brief = outline(whole, grammar.row).source
        for name, source in (("outlines", brief), ("whole", whole)):
            started = time.process_time()
            tree = grammar.parser.parse(source)
            QueryCursor(grammar.definitions).matches(tree.root_node)
            seconds[name] += time.process_time() - started
    return seconds


def long_document() -> str:
    parts = (f"def function_{n}(a, b):\n    total = a + {n}\n    return total * b\n\n" for n in range(N_LINES // 4))  # fmt: skip
    return "".join(parts)


def edited_document_ms() -> list[float]:
    """Time an edit up to the updated index, without other processes and the debounce."""
    from starcoder_lsp.context import messages, worker_process
    from starcoder_lsp.context.index.database import in_memory
    from starcoder_lsp.context.index.reader import Index

    text, times = long_document(), []
    index = Index(in_memory().connection)
    for n in range(N_EDITS + 1):
        text = messages.apply(text, messages.edits_rows([Edit(text.index("total"), text.index("total") + 5, f"total{n}")]))  # fmt: skip
        started = time.perf_counter()
        request = {"uri": "a", "language": "python", "text": text}
        (answer,) = worker_process.OPERATIONS["document"](request)
        index.put("a.py", answer["text"], messages.symbols_from(answer["symbols"]))
        times.append((time.perf_counter() - started) * 1000)
    return times[1:]


async def typing_ms(context: IndexedContext, root: Path) -> list[float]:
    """Time queries at one place, with the way to the indexer and back."""
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


def sampled(root: Path) -> list[Path]:
    files = sorted(filter(is_long, root.rglob("*")))
    return files[:: max(len(files) // N_SAMPLED, 1)]


def is_long(path: Path) -> bool:
    if path.suffix not in SAMPLED or not path.is_file():
        return False
    return path.read_bytes().count(b"\n") >= SHORTEST_LINES


async def new_places_ms(context: IndexedContext, root: Path) -> list[float]:
    """Time queries at three places each of files that were not open before."""
    times = []
    for path in sampled(root):
        text = path.read_text("utf-8", "replace")
        document = Document(text, path.as_uri(), language_of(path), 1)
        context.open(document.uri, path, document.language, text, 1)
        await asyncio.sleep(OPENED_S)
        for n in (1, 2, 3):
            offset = len(text) * n // 4
            shown = range(max(offset - 3000, 0), offset)
            started = time.perf_counter()
            found = await context.gather(Cursor(document, offset), 2250, shown)
            took_ms = (time.perf_counter() - started) * 1000
            if found.path:  # it is in the index
                times.append(took_ms)
        context.close_document(document.uri)
    return times


async def full_cost(root: Path) -> Cost:
    """Make an index and delete it."""
    session = Session(root)
    cost = await session.until_indexed()
    await session.context.close()
    shutil.rmtree(os.environ["STARCODER_LSP_CACHE"])
    return cost


async def measured(root: Path, *, with_tree_sitter: bool) -> dict[str, Any]:
    before = ctags_cost(root)
    full_before = await full_cost(root)
    first = Session(root)
    full = min(await first.until_indexed(), full_before)
    counted = await first.context.statistics()
    queries = await typing_ms(first.context, root)
    places = await new_places_ms(first.context, root)
    await first.context.close()
    after = ctags_cost(root)
    again = Session(root)
    second = await again.until_indexed()
    await again.context.close()
    edits = edited_document_ms()
    alone = tree_sitter_cpu_s(root) if with_tree_sitter else {}
    theirs = min(before, after)
    return {
        "files": counted.n_files,
        "definitions": counted.n_symbols,
        "ctags_s": theirs.wall_s,
        "ctags_cpu_s": theirs.cpu_s,
        "full_index_s": full.wall_s,
        "full_index_cpu_s": full.cpu_s,
        "times_ctags": full.wall_s / theirs.wall_s,
        "times_ctags_cpu": full.cpu_s / theirs.cpu_s,
        **{f"tree_sitter_{name}_cpu_s": cpu_s for name, cpu_s in alone.items()},
        "second_start_s": second.wall_s,
        "second_start_cpu_s": second.cpu_s,
        "resident_mib": first.most_mib,
        "proportional_mib": first.most_proportional_mib,
        "heartbeat_gap_ms": max(first.gaps_s) * 1000,
        "heartbeat_gap_p999_ms": statistics.quantiles(first.gaps_s, n=1000)[-1] * 1000,
        "front_busy_ms": first.busiest_s * 1000,
        "edited_document_ms": statistics.median(edits),
        "gather_p50_ms": statistics.median(queries),
        "gather_p99_ms": statistics.quantiles(queries, n=100)[-1],
        "new_place_p50_ms": statistics.median(places),
        "new_place_p99_ms": statistics.quantiles(places, n=100)[-1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, required=True, help="the workspace")
    parser.add_argument(
        "--tree-sitter", action="store_true", help="measure the parsers alone too"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if shutil.which("ctags") is None:
        parser.error("Universal Ctags is not installed")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["STARCODER_LSP_CACHE"] = cache
        root = arguments.root.resolve()
        figures = asyncio.run(measured(root, with_tree_sitter=arguments.tree_sitter))
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
