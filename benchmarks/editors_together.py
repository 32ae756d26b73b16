"""Measures three editors in one workspace: correct answers, and CPU time while idle.

    python benchmarks/editors_together.py [--minutes 10] [--files 20000] [--json]

Each round brings one event: a file is written, created or hidden, with a notification to
one editor or to none; the shared index is damaged or deleted; or the process that writes
it is killed. The benchmark waits until all three editors give the same, correct answer,
which should take less than 30 s even without a notification. When all files have been
read, it measures the CPU time of the indexers and workers from /proc (Linux) for half a
minute. It makes the workspace for the purpose, and deletes it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from workspace import computed_s, proportional_mib, tree_of

from starcoder_lsp.context import Gathered, Statistics
from starcoder_lsp.context.client import IndexedContext
from starcoder_lsp.context.index.database import file_of
from starcoder_lsp.flow import Cursor, Document
from starcoder_lsp.runtime.paths import cache_dir

N_EDITORS = 3
FILES_PER_FOLDER = 10
IDLE_S = 30.0
# A file that has just changed is read once more at the next glance, 20 s later.
SETTLE_S = 25.0
LONGEST_S = 300.0
NOTHING = range(0)


class Wanted(NamedTuple):
    """A text that asks for context; the answer must contain `shown`, and not `hidden`."""

    text: str
    shown: str
    hidden: str = "no such text"


@dataclass
class Round:
    """The event, the seconds until all editors were correct, and the idle CPU share."""

    event: str
    seconds: float
    idle_percent: float
    processes: int
    proportional_mib: float


class Editors:
    """Editors that have one folder open."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.contexts = [IndexedContext() for _ in range(N_EDITORS)]
        for context in self.contexts:
            context.use_folders([root])

    async def start(self) -> None:
        for context in self.contexts:
            context.start()
            while context.pid is None:  # noqa: ASYNC110  # a process starts
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        for context in self.contexts:
            await context.close()

    def processes(self) -> list[int]:
        pids = [context.pid for context in self.contexts if context.pid is not None]
        return [pid for root in pids for pid in tree_of(root)]

    async def seconds_until(self, wanted: Wanted) -> float:
        started = time.perf_counter()
        async with asyncio.timeout(LONGEST_S):
            while True:
                answers = [await self._answer(one, wanted) for one in self.contexts]
                text = "\n".join(each.text for each in answers[0].snippets)
                is_right = wanted.shown in text and wanted.hidden not in text
                if is_right and answers.count(answers[0]) == len(answers):
                    return time.perf_counter() - started
                await asyncio.sleep(0.5)

    async def until_read(self) -> None:
        """Wait until the index holds all files and has settled."""
        before: list[Statistics] = []
        while True:
            await asyncio.sleep(SETTLE_S)
            now = [await context.statistics() for context in self.contexts]
            if now == before and not any(each.n_pending for each in now):
                return
            before = now

    async def _answer(self, context: IndexedContext, wanted: Wanted) -> Gathered:
        path = self.root / "main.py"
        document = Document(wanted.text, path.as_uri(), "python", 1)
        context.close_document(document.uri)
        context.open(document.uri, path, "python", wanted.text, 1)
        cursor = Cursor(document, len(wanted.text))
        for _ in range(100):
            if (found := await context.gather(cursor, 4000, NOTHING)).path:
                return found
            await asyncio.sleep(0.02)
        return Gathered()


def price(root: Path, name: str) -> Wanted:
    (root / "shop.py").write_text(f"def total_price({name}): ...\n")
    return Wanted("from shop import total_price\nx = total_price(", f"({name})")


def file_told_to_one(editors: Editors, n: int) -> Wanted:
    wanted = price(editors.root, f"told_{n}")
    editors.contexts[n % N_EDITORS].files_changed([editors.root / "shop.py"])
    return wanted


def file_told_to_nobody(editors: Editors, n: int) -> Wanted:
    return price(editors.root, f"untold_{n}")


def new_file_told_to_nobody(editors: Editors, n: int) -> Wanted:
    (editors.root / f"fresh_{n}.py").write_text(f"def fresh_{n}(new_{n}): ...\n")
    return Wanted(f"from fresh_{n} import fresh_{n}\nx = fresh_{n}(", f"(new_{n})")


def rule_told_to_one(editors: Editors, n: int) -> Wanted:
    (editors.root / ".gitignore").write_text(f"# {n}\nstock.py\n")
    editors.contexts[n % N_EDITORS].files_changed([editors.root / ".gitignore"])
    return Wanted("from stock import count\nfrom f0 import f0\nx = f0(count(", "f0(a", "(items)")  # fmt: skip


def rule_told_to_nobody(editors: Editors, n: int) -> Wanted:
    (editors.root / ".gitignore").write_text(f"# {n}\n")
    return Wanted("from stock import count\nx = count(", "count(items)")


def index_damaged(editors: Editors, n: int) -> Wanted:
    file = file_of(str(editors.root), cache_dir() / "index")
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)
    return file_told_to_one(editors, n)


def index_deleted(editors: Editors, n: int) -> Wanted:
    shutil.rmtree(cache_dir() / "index")
    return file_told_to_one(editors, n)


def indexer_killed(editors: Editors, n: int) -> Wanted:
    pid = editors.contexts[n % N_EDITORS].pid
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    return file_told_to_nobody(editors, n)


EVENTS: Sequence[Callable[[Editors, int], Wanted]] = (
    file_told_to_one, file_told_to_nobody, new_file_told_to_nobody, rule_told_to_one,
    rule_told_to_nobody, index_damaged, indexer_killed, index_deleted,
)  # fmt: skip


def make_workspace(root: Path, n_files: int) -> None:
    root.mkdir()
    (root / "stock.py").write_text("def count(items): ...\n")
    price(root, "at_first")
    (root / "f0.py").write_text("def f0(a, b):\n    return a + b\n")
    for n in range(1, n_files):
        folder = root / f"p{n // FILES_PER_FOLDER // 40}" / f"q{n // FILES_PER_FOLDER}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = (f"def f{n}_{m}(a, b):\n    return a + {m}\n" for m in range(10))
        (folder / f"f{n}.py").write_text("".join(lines))


async def played(editors: Editors, event: Callable[[Editors, int], Wanted], n: int) -> Round:  # fmt: skip
    seconds = await editors.seconds_until(event(editors, n))
    await editors.until_read()
    pids = editors.processes()
    before_s = computed_s(pids)
    await asyncio.sleep(IDLE_S)
    idle = (computed_s(pids) - before_s) / IDLE_S
    mib = proportional_mib(editors.processes())
    return Round(event.__name__, seconds, idle * 100, len(pids), mib)


async def measured(root: Path, minutes: float) -> list[Round]:
    editors = Editors(root)
    await editors.start()
    rounds = [await played(editors, file_told_to_nobody, 0)]
    ends = time.perf_counter() + minutes * 60
    for n, event in enumerate(itertools.cycle(EVENTS), 1):
        if time.perf_counter() > ends:
            break
        rounds.append(await played(editors, event, n))
    await editors.close()
    return rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STARCODER_LSP_CACHE"] = f"{folder}/cache"
        root = Path(folder, "workspace").resolve()
        make_workspace(root, arguments.files)
        rounds = asyncio.run(measured(root, arguments.minutes))
    for each in rounds:
        if arguments.json:
            print(json.dumps(asdict(each)))
        else:
            print(
                f"{each.event:24} right after {each.seconds:6.1f} s, idle "
                f"{each.idle_percent:5.2f} % of a core, {each.processes} processes, "
                f"{each.proportional_mib:.0f} MiB"
            )


if __name__ == "__main__":
    main()
