"""Measures memory, descriptors, threads and CPU of a server and its children, on Linux."""

from __future__ import annotations

import asyncio
import math
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_S = 1.0
# Neighbouring samples are alike; means of this long are more nearly independent.
BLOCK_S = 15.0
# An engine reads on for a while, and measures its speed once.
SETTLE_S, IDLE_S = 45.0, 30.0
MAX_IDLE_TRIES, BUSY_PERCENT = 10, 1.0
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
# By a part of the module's name in the command line.
ROLES = {".engines.": "engine", ".indexer.": "indexer", ".worker_": "worker"}


@dataclass
class Watch:
    """Samples every process of a server once a second."""

    front: int
    began: float = field(default_factory=time.monotonic)
    # Of each role and process: seconds since the beginning, megabytes.
    memory: dict[tuple[str, int], list[tuple[float, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    descriptors: dict[tuple[str, int], list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )
    threads: dict[tuple[str, int], list[int]] = field(
        default_factory=lambda: defaultdict(list)
    )

    async def run(self) -> None:
        while True:
            for role, pid in processes(self.front):
                with suppress(OSError, IndexError):
                    self._sample(role, pid)
            await asyncio.sleep(SAMPLE_S)

    def _sample(self, role: str, pid: int) -> None:
        at = time.monotonic() - self.began
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        n_descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        n_threads = sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
        self.memory[role, pid].append((at, pages * PAGE / 1e6))
        self.descriptors[role, pid].append(n_descriptors)
        self.threads[role, pid].append(n_threads)


def processes(front: int) -> Iterator[tuple[str, int]]:
    """Yield the server and its descendants, with their roles."""
    yield "server", front
    parents = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.read_text().rpartition(")")[2].split()[1])].append(
                int(stat.parent.name)
            )
    waiting = list(parents[front])
    while waiting:
        pid = waiting.pop()
        waiting += parents[pid]
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            yield (
                next(
                    (name for part, name in ROLES.items() if part in command), "other"
                ),
                pid,
            )


def table(watch: Watch, warm_up_s: float) -> str:
    """Return a Markdown table: a row for each role, with its longest process, early and late."""
    rows = ["| process | lives | MB at the end | MB/h | descriptors | threads |"]
    rows.append("|---|---|---|---|---|---|")
    for role in dict.fromkeys(role for role, _ in watch.memory):
        lives = [key for key in watch.memory if key[0] == role]
        longest = max(lives, key=lambda key: len(watch.memory[key]))
        growth = slope([watch.memory[key] for key in lives], warm_up_s)
        descriptors, threads = (
            _early_and_late(counts[longest])
            for counts in (watch.descriptors, watch.threads)
        )
        end_mb = watch.memory[lives[-1]][-1][1]
        cells = (role, len(lives), f"{end_mb:.0f}", growth, descriptors, threads)
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def _early_and_late(values: list[int]) -> str:
    """Return the most frequent value in the second quarter and in the last one."""
    quarter = max(len(values) // 4, 1)
    early, late = values[quarter : 2 * quarter] or values, values[-quarter:]
    return f"{statistics.mode(early)} → {statistics.mode(late)}"


def slope(lives: list[list[tuple[float, float]]], warm_up_s: float) -> str:
    """Return MB/h with its uncertainty, or that there is too little.

    Each life of a role has its own level, so that a restart is no growth.
    """
    points, n_lives = [], 0
    for life in lives:
        means = _block_means(life, warm_up_s)
        if len(means) > 2:
            n_lives += 1
            middle, level = map(statistics.mean, zip(*means, strict=True))
            points += [(at - middle, mb - level) for at, mb in means]
    spread = sum(at * at for at, _ in points)
    n_free = len(points) - n_lives - 1
    if n_free < 3:
        return "too brief"
    per_s = sum(at * mb for at, mb in points) / spread
    rest = sum((mb - per_s * at) ** 2 for at, mb in points)
    error = math.sqrt(rest / n_free / spread)
    return f"{per_s * 3600:+.1f} ± {2 * error * 3600:.1f}"


def _block_means(
    life: list[tuple[float, float]], warm_up_s: float
) -> list[tuple[float, float]]:
    blocks: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for at, mb in life:
        if at >= warm_up_s:
            blocks[int(at // BLOCK_S)].append((at, mb))
    return [
        (statistics.mean(at for at, _ in block), statistics.mean(mb for _, mb in block))
        for block in blocks.values()
    ]


async def idle_cpu(front: int) -> dict[str, float]:
    """Return the percentage of a core that each role uses while nobody types.

    The measurement is repeated while a process still works on the last request.
    """
    await asyncio.sleep(SETTLE_S)
    shares: dict[str, float] = {}
    for _ in range(MAX_IDLE_TRIES):
        before = _cpu_seconds(front)
        await asyncio.sleep(IDLE_S)
        shares = defaultdict(float)
        for (role, pid), used in _cpu_seconds(front).items():
            shares[role] += (used - before.get((role, pid), 0.0)) / IDLE_S * 100
        if max(shares.values()) < BUSY_PERCENT:
            break
    return shares


def _cpu_seconds(front: int) -> dict[tuple[str, int], float]:
    used = {}
    for role, pid in processes(front):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used[role, pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return used
