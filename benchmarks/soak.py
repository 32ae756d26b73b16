"""An hour of editing in minutes: typing, jumping, cancelling, and kills.

    python benchmarks/soak.py --minutes 60 --kills 15 --warm-up 25

A real server with a real model works in a copy of this package. One editor types,
jumps, cancels and takes suggestions; a second one opens the same workspace now and then;
files change on disk; during the first `--kills` minutes engine, indexer and workers are
killed in turn. At the end nobody types, and the processor should rest. It needs Linux
(/proc) and the model: `starcoder-lsp models get smollm2-135m`.

The slope of the memory is a regression over means of 15 s after `--warm-up` minutes, by
which time the caches of the last restarted process are full, too. ± is twice the
standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from async_editor import ANSWER_S, Editor
from process_watch import Watch, idle_cpu, processes, table

PACKAGE = Path(__file__).parents[1] / "starcoder_lsp"
# A fluent writer's mean time between keys; and how often one looks at a suggestion.
KEY_S, SHARE_LOOKED_AT = 0.2, 0.1
SHARE_JUMPS, SHARE_CANCELS, SHARE_CLOSED = 0.03, 0.3, 0.3
KILL_EVERY_S = 45.0
SECOND_EDITOR_EVERY_S, SECOND_EDITOR_S = 90.0, 25.0
STORM_EVERY_S, N_STORM_FILES = 20.0, 40
N_EDITED_FILES = 20
TYPED = (
    "\n\ndef total(values):\n    result = 0\n    for value in values:\n"
    "        result += value\n    return result\n\n\nclass Place:\n"
    '    """A place on a map."""\n\n    def __init__(self, x, y):\n        self.x = x\n'
)


@dataclass
class Soak:
    """A workspace, the server in it, and counts of what was done to them."""

    root: Path
    cache: Path
    editor: Editor
    killed: Counter[str] = field(default_factory=Counter)
    n_second_editors: int = 0
    n_unanswered: int = 0

    def files(self) -> list[Path]:
        return sorted(self.root.rglob("*.py"))

    async def kill(self, until: float) -> None:
        for role in itertools.cycle(("engine", "worker", "indexer")):
            await asyncio.sleep(KILL_EVERY_S)
            if time.monotonic() > until:
                return
            running = processes(self.editor.process.pid)
            found = [pid for name, pid in running if name == role]
            if found:
                how = random.choice((signal.SIGKILL, signal.SIGABRT))
                with suppress(ProcessLookupError):
                    os.kill(random.choice(found), how)
                self.killed[role] += 1

    async def open_second_editors(self) -> None:
        """Open a second editor now and then; kill every other one, and its children with it."""
        for is_killed in itertools.cycle((False, True)):
            await asyncio.sleep(SECOND_EDITOR_EVERY_S)
            editor = await Editor.start(self.root, self.cache)
            until = time.monotonic() + SECOND_EDITOR_S
            await type_in(editor, self.files()[-5:], until)
            if not is_killed:
                self.n_unanswered += await editor.left_unanswered()
            await editor.end(kill=is_killed)
            self.n_second_editors += 1

    async def change_files(self) -> None:
        """Change many files at once, as a checkout does."""
        # They never grow, or the index would grow with them.
        files = {one: one.read_text("utf-8") for one in self.files()[N_EDITED_FILES:]}
        while True:
            await asyncio.sleep(STORM_EVERY_S)
            for file in random.sample(list(files), N_STORM_FILES):
                file.write_text(f"{files[file]}# {random.random()}\n", "utf-8")


async def type_in(editor: Editor, files: list[Path], until: float) -> None:
    """Type, jump, ask, cancel, and take suggestions."""
    file, offset, pending = files[0], 0, None
    while time.monotonic() < until:
        if not offset or random.random() < SHARE_JUMPS:
            if random.random() < SHARE_CLOSED:
                editor.close_file(file)
            file = random.choice(files)
            offset = random.choice(list(_line_starts(editor.text(file))))
            editor.counts["jumps"] += 1
        key = TYPED[editor.counts["keys"] % len(TYPED)]
        offset = editor.insert(file, offset, key)
        if pending and not pending.done() and random.random() < SHARE_CANCELS:
            editor.cancel(pending)
        pending = editor.complete(file, offset)
        if random.random() < SHARE_LOOKED_AT:
            offset = editor.insert(file, offset, await editor.suggested(pending))
        await asyncio.sleep(random.expovariate(1 / KEY_S))


def _line_starts(text: str) -> Iterator[int]:
    yield 1
    yield from (i + 1 for i, one in enumerate(text) if one == "\n")


async def soak(plan: argparse.Namespace, root: Path, cache: Path) -> bool:
    """Run it and print the figures; return whether every request got its one answer."""
    editor = await Editor.start(root, cache)
    soaked = Soak(root, cache, editor)
    watch = Watch(editor.process.pid)
    began = time.monotonic()
    disturbances = [
        asyncio.create_task(soaked.kill(until=began + plan.kills * 60)),
        asyncio.create_task(soaked.open_second_editors()),
        asyncio.create_task(soaked.change_files()),
    ]
    watching = asyncio.create_task(watch.run())
    until = began + plan.minutes * 60
    await type_in(editor, soaked.files()[:N_EDITED_FILES], until)
    for task in disturbances:
        task.cancel()
    soaked.n_unanswered += await editor.left_unanswered()
    watching.cancel()
    idle = await idle_cpu(editor.process.pid)
    ended = await asyncio.gather(*disturbances, watching, return_exceptions=True)
    await asyncio.wait_for(editor.end(), ANSWER_S)
    report(soaked, watch, plan.warm_up * 60, idle)
    failures = [one for one in ended if isinstance(one, Exception)]
    for failure in failures:
        print(f"a part of this program failed: {failure!r}")
    n_wrong = sum(editor.counts[one] for one in ("answers to nothing", "errors"))
    return not (soaked.n_unanswered or n_wrong or failures)


def report(
    soaked: Soak, watch: Watch, warm_up_s: float, idle: dict[str, float]
) -> None:
    latencies = sorted(soaked.editor.latencies_ms)
    p50, p99 = (latencies[int(len(latencies) * share)] for share in (0.5, 0.99))
    print(table(watch, warm_up_s))
    print(f"answers: {len(latencies)}, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    print(f"unanswered: {soaked.n_unanswered}")
    print(f"killed: {dict(soaked.killed)}, second editors: {soaked.n_second_editors}")
    print(f"counts: {dict(soaked.editor.counts)}")
    shares = (f"{role} {share:.2f} %" for role, share in idle.items())
    print("processor while idle: " + ", ".join(shares))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--kills", type=float, default=15.0, help="minutes with kills")
    parser.add_argument("--warm-up", type=float, default=25.0, help="minutes")
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "workspace")
        shutil.copytree(PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
        cache = Path(folder, "cache")
        is_well = asyncio.run(soak(arguments, root, cache))
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
