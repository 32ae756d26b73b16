"""The crawler, with files and workers that fail."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from typing import Any

import pytest
from workspace import contents, plant, until

from starcoder_lsp.context import IndexingProgress, worker_process
from starcoder_lsp.context.index.folder import Folder
from starcoder_lsp.context.indexer import crawler, read_queue, schedule
from starcoder_lsp.context.indexer.crawler import Crawler
from starcoder_lsp.context.indexer.looks import Wishes
from starcoder_lsp.context.indexer.open_documents import IndexedDocument, OpenDocuments
from starcoder_lsp.context.indexer.worker_client import Worker
from starcoder_lsp.runtime import frames
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.paths import cache_dir

DEF = "def {}():\n    return 1\n"
# A worker whose parser does not come back from some texts.
ENDLESS = """
from starcoder_lsp.context import worker_process

parse = worker_process.parse

def parse_or_stay(language, source, budget_ms):
    while b"endless" in source:
        pass
    return parse(language, source, budget_ms)

worker_process.parse = parse_or_stay
worker_process.main()
"""
# A worker during whose work on a file somebody writes another text into it.
DISTURBED = """
import sys
from pathlib import Path
from starcoder_lsp.context import worker_process

parse = worker_process.parse

def parse_and_write(language, source, budget_ms):
    if b"before" in source:
        Path(sys.argv[1]).write_bytes(source.replace(b"before", b"behind"))
    return parse(language, source, budget_ms)

worker_process.parse = parse_and_write
worker_process.main()
"""
# A worker that dies of some texts, and counts its deaths in a file.
MORTAL = """
import os, sys
from pathlib import Path
from starcoder_lsp.context import worker_process

redact = worker_process.redact

def redact_or_die(text, language):
    if "deadly" in text:
        with Path(sys.argv[1]).open("a") as deaths:
            deaths.write("x")
        os.kill(os.getpid(), 9)
    return redact(text, language)

worker_process.redact = redact_or_die
worker_process.main()
"""
# A worker that believes a directory's times after a moment, as others do after 2.5 s.
CREDULOUS = """
from starcoder_lsp.context.files import walk
walk.RACY_S = 0.02
from starcoder_lsp.context import worker_process
worker_process.main()
"""


def running(program: str, *arguments: Path) -> Worker:
    return Worker([sys.executable, "-P", "-c", program, *map(str, arguments)])


def mortal(deaths: Path) -> Worker:
    return running(MORTAL, deaths)


class SlowWalk(Worker):
    """A worker that reads files, but ends its walks only when the gate is open."""

    def __init__(self, gate: asyncio.Event) -> None:
        super().__init__(Worker.in_background()._argv)
        self._gate = gate
        self._walker = Worker.in_background()

    async def stream(
        self, request: Frame, is_last: Callable[[Frame], bool]
    ) -> AsyncGenerator[Frame]:
        stream = self._walker.stream if request["op"] == "walk" else super().stream
        async for frame in stream(request, is_last):
            if frame["op"] == "walked":
                await self._gate.wait()
            yield frame

    async def close(self) -> None:
        await self._walker.close()
        await super().close()


class Recorded(Worker):
    """A real worker that remembers what it was asked for."""

    def __init__(self, argv: list[str]) -> None:
        super().__init__(argv)
        self.asked: list[str] = []

    async def stream(
        self, request: Frame, is_last: Callable[[Frame], bool]
    ) -> AsyncGenerator[Frame]:
        self.asked.append(request["op"])
        async for frame in super().stream(request, is_last):
            yield frame


class Crawl:
    """A crawler of one folder, in this process."""

    def __init__(self, root: Path, new_worker: Callable[[], Worker]) -> None:
        self.progress: list[IndexingProgress] = []
        self.folder = Folder(str(root), cache_dir() / "index")
        self.crawler = Crawler(
            self.folder,
            Wishes(),
            is_held=lambda path: False,
            on_doubt=lambda path: None,
            on_progress=self.progress.append,
            new_worker=new_worker,
        )

    @property
    def n_looks(self) -> int:
        return sum(one.is_final for one in self.progress)

    async def until_looked(self) -> None:
        n_looks = self.n_looks
        await until(lambda: self.n_looks > n_looks)


@asynccontextmanager
async def crawling(
    root: Path, new_worker: Callable[[], Worker] = Worker.in_background
) -> AsyncIterator[Crawl]:
    crawl = Crawl(root, new_worker)
    task = asyncio.create_task(crawl.crawler.run())
    try:
        await crawl.until_looked()
        yield crawl
    finally:
        task.cancel()
        await asyncio.wait([task])
        await crawl.crawler.close()


@asynccontextmanager
async def recorded(root: Path) -> AsyncIterator[tuple[Crawl, Recorded]]:
    """A crawler of a folder that has rested, and its worker."""
    await asyncio.sleep(0.1)
    worker = Recorded(running(CREDULOUS)._argv)
    workers = iter([worker])
    async with crawling(root, lambda: next(workers, Worker.in_background())) as it:
        yield it, worker


async def test_a_file_that_kills_its_worker_is_excluded(
    tmp_path: Path,
) -> None:
    deaths = plant(tmp_path, {"deaths": ""}) / "deaths"
    root = plant(tmp_path / "w", {"a.py": DEF.format("a"), "b.py": "deadly = 1\n"})
    plant(root, {"z.py": DEF.format("z")})

    async with crawling(root, lambda: mortal(deaths)) as first:
        assert sorted(contents(root)) == ["a.py", "z.py"]
        assert first.folder.left_out() == {"crashes its parser": 1}
    n_deaths = len(deaths.read_text())
    assert n_deaths == read_queue.MAX_TRIES
    plant(root, {"b.py": None, "moved.py": "deadly = 1\n"})
    async with crawling(root, lambda: mortal(deaths)) as second:
        assert sorted(contents(root)) == ["a.py", "z.py"]
        assert len(deaths.read_text()) == n_deaths, (
            "the same content is not parsed again"
        )
        plant(root, {"moved.py": DEF.format("mended")})
        second.crawler.suspect(["moved.py"])
        await until(lambda: "moved.py" in contents(root))


def test_the_kernel_ends_a_parser_that_never_returns(
    tmp_path: Path,
) -> None:
    plant(tmp_path, {"a.py": "endless = 1\n"})
    request = {"op": "read", "root": str(tmp_path), "files": [("a.py", True, "")], "avoid": []}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-P", "-c", ENDLESS],
        input=frames.encode(request),
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGPROF


async def test_a_file_that_changes_while_it_is_parsed_is_read_again(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", {"a.py": DEF.format("before")})
    async with crawling(root, lambda: running(DISTURBED, root / "a.py")) as it:
        assert contents(root)["a.py"][1] == ("before",)
        it.crawler.look_again()
        await until(lambda: contents(root)["a.py"][1] == ("behind",))


async def test_a_document_that_kills_its_worker_is_not_parsed_until_it_changes(
    tmp_path: Path,
) -> None:
    deaths = plant(tmp_path, {"deaths": ""}) / "deaths"
    documents = OpenDocuments(
        lambda document, text: None, lambda root, path: None, lambda: mortal(deaths)
    )
    following = asyncio.create_task(documents.run())
    documents.open(IndexedDocument("a", None, "python", "deadly = 1\n", 1))
    document = documents.get("a")
    assert document is not None
    await until(lambda: document.is_looked_at)
    assert deaths.read_text() == "x"
    assert await documents.judge("a", 11, ["x = 1"]) == []
    assert deaths.read_text() == "x"
    documents.change("a", 2, [(0, 10, "def f(): pass")])
    await until(lambda: [one.name for one in document.symbols.definitions] == ["f"])
    assert len(await documents.judge("a", 5, ["x = 1"])) == 1
    following.cancel()
    await documents.end()


async def test_if_no_worker_can_be_started_the_next_look_tries_again(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    broken = Worker(["/no/such/program"])
    workers = iter([broken])
    async with crawling(root, lambda: next(workers, Worker.in_background())) as it:
        assert contents(root) == {}
        broken._argv = Worker.in_background()._argv
        it.crawler.look_again()
        await until(lambda: list(contents(root)) == ["a.py"])


async def test_a_worker_that_cannot_be_started_is_reported_once_without_blaming_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    names = [f"f{n}" for n in range(4 * read_queue.MAX_BATCH)]
    root = plant(tmp_path / "w", {f"{name}.py": DEF.format(name) for name in names})
    workers = iter([Worker.in_background(), Worker(["/no/such/program"])])
    async with crawling(root, lambda: next(workers)) as it:
        assert len(contents(root)) == len(names)
        it.crawler.look_again()
        await it.until_looked()
    assert caplog.messages == ["no worker can be started: No such file or directory"]


async def test_a_document_that_could_not_be_parsed_is_parsed_at_its_next_change(
    tmp_path: Path,
) -> None:
    worker = Worker(["/no/such/program"])
    shown: list[str] = []
    documents = OpenDocuments(
        lambda document, text: shown.append(text),
        lambda root, path: None,
        lambda: worker,
    )
    following = asyncio.create_task(documents.run())
    documents.use([str(tmp_path)], Wishes())
    file = str(tmp_path / "a.py")
    documents.open(IndexedDocument("a", file, "python", "x = 1", 1))
    document = documents.get("a")
    assert document is not None
    await until(lambda: document.is_looked_at)
    worker._argv = Worker.for_documents()._argv
    documents.change("a", 2, [(4, 5, "2")])
    await until(lambda: shown == ["x = 2"])
    assert document.relative == "a.py"
    following.cancel()
    await documents.end()


async def test_a_change_without_an_event_is_found_by_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "GLANCE_EVERY_S", 0.05)
    monkeypatch.setattr(schedule, "CHANGE_SHARE", inf)
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    async with crawling(root):
        plant(root, {"a.py": None, "d/b.py": DEF.format("b")})
        await until(lambda: list(contents(root)) == ["d/b.py"])


async def test_a_file_that_is_written_in_place_is_found_at_a_glance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "GLANCE_EVERY_S", 0.05)
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    async with recorded(root) as (_, worker):
        plant(root, {"a.py": DEF.format("b")})
        await until(lambda: contents(root)["a.py"][1] == ("b",))
    assert worker.asked.count("walk") == 1


async def test_while_nothing_changes_nothing_is_read_or_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "GLANCE_EVERY_S", 0.01)
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    async with recorded(root) as (it, worker):
        # What is as young as this is read once more.
        await until(lambda: worker.asked.count("glance") > 3)
        n_told = len(it.progress)
        worker.asked.clear()
        await until(lambda: len(worker.asked) > 5)
        assert set(worker.asked) == {"glance"}
        assert len(it.progress) == n_told


async def test_a_hint_that_names_no_file_of_the_folder_leads_to_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client may know the folder by the name of a link."""
    monkeypatch.setattr(schedule, "GLANCE_EVERY_S", inf)
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    async with recorded(root) as (it, worker):
        it.crawler.suspect([])
        await until(lambda: "glance" in worker.asked)


async def test_hints_do_not_put_off_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "GLANCE_EVERY_S", 0.5)
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    async with crawling(root) as it:
        plant(root, {"b.py": DEF.format("b")})

        def hint_and_look() -> bool:
            it.crawler.suspect(["a.py"])
            return "b.py" in contents(root)

        await until(hint_and_look)


async def test_a_file_that_appears_behind_a_walk_and_is_told_of_stays(
    tmp_path: Path,
) -> None:
    gate = asyncio.Event()
    root = plant(tmp_path / "w", {"a.py": DEF.format("a"), "b.py": DEF.format("b")})
    crawl = Crawl(root, lambda: SlowWalk(gate))
    task = asyncio.create_task(crawl.crawler.run())
    await until(lambda: sorted(crawl.folder.sources) == ["a.py", "b.py"])
    plant(root, {"new.py": DEF.format("new"), "b.py": None})
    crawl.crawler.suspect(["new.py", "b.py"])
    await until(lambda: sorted(crawl.folder.sources) == ["a.py", "new.py"])
    gate.set()
    await crawl.until_looked()
    assert sorted(contents(root)) == ["a.py", "new.py"]
    task.cancel()
    await asyncio.wait([task])
    await crawl.crawler.close()


async def test_a_reader_rests_until_the_writer_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawler, "FOLLOW_EVERY_S", 0.01)
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    async with crawling(root) as writer:
        reader = Crawl(root, Worker.in_background)
        n_rounds = 0
        follow = reader.folder.follow

        def counted() -> None:
            nonlocal n_rounds
            n_rounds += 1
            follow()

        monkeypatch.setattr(reader.folder, "follow", counted)
        task = asyncio.create_task(reader.crawler.run())
        reader.crawler.suspect(["a.py"])
        reader.crawler.look_again()
        await until(lambda: n_rounds > 5)
        # It says once that there is an index, and does nothing else.
        assert (len(reader.progress), reader.crawler.n_pending) == (1, 0)
        writer.folder.close()
        plant(root, {"b.py": DEF.format("b")})
        await until(lambda: sorted(contents(root)) == ["a.py", "b.py"])
    task.cancel()
    await asyncio.wait([task])
    await reader.crawler.close()


async def test_an_index_that_starts_again_is_filled_again(tmp_path: Path) -> None:
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    async with crawling(root) as it:
        it.folder._recover(sqlite3.DatabaseError("damaged"))
        await until(lambda: list(contents(root)) == ["a.py"])


def read(root: Path, digest: str = "") -> dict[str, Any]:
    """Return a worker's answer about `a.py`; `digest` is the hash of its known content."""
    request = {"root": str(root), "files": [("a.py", True, digest)], "avoid": []}
    ((answer,),) = (one["files"] for one in worker_process.OPERATIONS["read"](request))
    return dict(answer)


@pytest.mark.parametrize(
    ("clock_s", "is_sure"), [(-86_400, False), (0, False), (1, False), (86_400, True)]
)
def test_a_stamp_is_trusted_only_if_the_file_is_old_by_every_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock_s: int, is_sure: bool
) -> None:
    now = time.time() + clock_s
    monkeypatch.setattr(time, "time", lambda: now)
    assert bool(read(plant(tmp_path, {"a.py": "x = 1\n"}))["stamp"]) is is_sure


@pytest.mark.parametrize("when", [0, 2**33])
def test_the_content_of_a_file_decides_whether_it_is_parsed(
    tmp_path: Path, when: int
) -> None:
    digest = read(plant(tmp_path, {"a.py": "x = 1\n"}))["digest"]
    os.utime(tmp_path / "a.py", (when, when))
    assert "entry" not in read(tmp_path, digest)
    plant(tmp_path, {"a.py": "x = 2\n"})
    os.utime(tmp_path / "a.py", (when, when))
    assert "entry" in read(tmp_path, digest)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EIO, "unreadable"),
        (errno.EACCES, "unreadable"),
        (errno.ESTALE, "unreadable"),
        (errno.EMFILE, "unreadable"),
        (errno.ENOENT, "gone"),
    ],
)
def test_a_file_that_cannot_be_read_is_read_again_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    def fails(path: str, limit_bytes: int) -> object:
        raise OSError(code, "")

    monkeypatch.setattr(worker_process, "read_regular", fails)
    answer = read(tmp_path)
    assert answer["reason"] == reason
    assert answer["stamp"] == ""


async def test_a_full_disk_moves_the_index_to_memory_and_keeps_the_old_one(
    tmp_path: Path,
) -> None:
    root = plant(tmp_path / "w", {"a.py": DEF.format("a")})
    async with crawling(root):
        pass
    async with crawling(root) as full:
        rows = full.folder._database.connection
        (n_pages,) = rows.execute("PRAGMA page_count").fetchone()
        rows.execute(f"PRAGMA max_page_count = {n_pages}")
        names = [f"f{n}" for n in range(100)]
        plant(root, {f"{name}.py": DEF.format(name) * 50 for name in names})
        full.crawler.look_again()
        await until(lambda: full.folder.languages() == {"python": 101})
        assert full.folder.is_in_memory
    assert contents(root)["a.py"][1] == ("a",)
    async with crawling(root) as later:
        assert not later.folder.is_in_memory
        assert len(contents(root)) == 101
