"""Three editors in one workspace: they answer the same and compute nothing while idle."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from lsp_client import children_of
from workspace import Workspace, plant

from starcoder_lsp.context import Gathered
from starcoder_lsp.context.index.database import file_of
from starcoder_lsp.flow import Cursor, Document
from starcoder_lsp.runtime.paths import cache_dir

TEXT = "from shop import total_price\nfrom stock import count\nx = total_price(count("
NOTHING = range(0)
PATIENCE_S = 60.0
IDLE_S = 3.0


@pytest.fixture
async def editors(tmp_path: Path) -> AsyncIterator[list[Workspace]]:
    """Three editors; the first one writes the index."""
    root = plant(tmp_path / "w", {
        "shop.py": "def total_price(items, tax): ...\n",
        "stock.py": "def count(items): ...\n",
        **{f"m{n}.py": f"def f{n}(a): ...\n" for n in range(200)},
    })  # fmt: skip
    async with Workspace(root) as first:
        others = [Workspace(root), Workspace(root)]
        for other in others:
            other.context.use_folders([root])
            other.context.start()
        yield [first, *others]
        for other in others:
            await other.context.close()


async def answer(editor: Workspace) -> Gathered:
    """Return the context of a document that has just been opened."""
    path = editor.roots[0] / "main.py"
    cursor = Cursor(Document(TEXT, path.as_uri(), "python", 1), len(TEXT))
    editor.context.close_document(path.as_uri())
    editor.open(path, TEXT)
    while not (gathered := await editor.context.gather(cursor, 4000, NOTHING)).path:
        await asyncio.sleep(0.01)
    return gathered


def shown(gathered: Gathered) -> str:
    return "\n".join(snippet.text for snippet in gathered.snippets)


async def until_all_answer(
    editors: Sequence[Workspace], *wanted: str, without: str = "no such text"
) -> None:
    """Wait until all editors give the same answer, and that it is the right one."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answers = [await answer(editor) for editor in editors]
            text = shown(answers[0])
            is_right = all(each in text for each in wanted) and without not in text
            if is_right and answers.count(answers[0]) == len(answers):
                return
            await asyncio.sleep(0.05)


def process_tree(pid: int) -> list[int]:
    return [pid, *(one for child in children_of(pid) for one in process_tree(child))]


def computed_s(editors: Sequence[Workspace]) -> float:
    """Return the CPU time in seconds of the indexers and their workers so far."""
    ticks = 0
    for editor in editors:
        assert editor.context.pid is not None
        for pid in process_tree(editor.context.pid):
            with contextlib.suppress(OSError):  # it has just ended
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def damage(root: Path) -> None:
    """Damage the index: only its first page stays."""
    file = file_of(str(root.resolve()), cache_dir() / "index")
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)


async def test_all_editors_see_files_rules_and_damage(
    editors: list[Workspace],
) -> None:
    root = editors[0].roots[0]
    await until_all_answer(editors, "total_price(items, tax)", "count(items)")
    plant(root, {"shop.py": "def total_price(items, discount): ...\n"})
    editors[0].context.files_changed([root / "shop.py"])
    await until_all_answer(editors, "total_price(items, discount)", without="tax")
    plant(root, {".gitignore": "stock.py\n"})
    editors[0].context.files_changed([root / ".gitignore"])
    await until_all_answer(editors, "total_price", without="count(items)")
    damage(root)
    plant(root, {".gitignore": "", "shop.py": "def total_price(rebuilt): ...\n"})
    editors[0].context.files_changed([root / ".gitignore", root / "shop.py"])
    await until_all_answer(editors, "total_price(rebuilt)", "count(items)")


async def test_damage_is_repaired_whichever_editor_sees_it(
    editors: list[Workspace],
) -> None:
    await until_all_answer(editors, "total_price(items, tax)", "count(items)")
    damage(editors[0].roots[0])
    await until_all_answer(editors[1:], "total_price(items, tax)", "count(items)")
    await until_all_answer(editors, "total_price(items, tax)", "count(items)")


async def test_the_other_editors_continue_when_the_writer_is_killed(
    editors: list[Workspace],
) -> None:
    root = editors[0].roots[0]
    await until_all_answer(editors, "total_price(items, tax)")
    writer = editors[0].context.pid
    assert writer is not None
    os.kill(writer, signal.SIGKILL)
    plant(root, {"shop.py": "def total_price(after): ...\n"})
    for editor in editors:
        editor.context.files_changed([root / "shop.py"])
    await until_all_answer(editors, "total_price(after)")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_editors_compute_nothing_while_nothing_happens(
    editors: list[Workspace],
) -> None:
    root = editors[0].roots[0]
    await until_all_answer(editors, "total_price(items, tax)")
    plant(root, {"new.py": "def fresh(): ...\n"})
    for editor in editors:
        editor.context.files_changed([root / "new.py"])
    await until_all_answer(editors, "total_price(items, tax)")
    before_s = computed_s(editors)
    await asyncio.sleep(IDLE_S)
    # One that spins takes all of a core, or what a busy machine leaves of it.
    assert computed_s(editors) - before_s < IDLE_S / 6
