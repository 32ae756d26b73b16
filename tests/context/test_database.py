"""The index on disk: damage leads to a new index, and a healthy one is kept."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from starcoder_lsp.context.index.database import (
    Database,
    file_of,
    is_damage,
    open_index,
    put_aside,
)
from starcoder_lsp.context.index.entry import entry_of
from starcoder_lsp.context.index.folder import FileState, Folder
from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.symbols import Symbols

ROOT = "/work space/é"
VERSION = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index"


_opened: list[Database] = []


@pytest.fixture(autouse=True)
def close_what_was_opened() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def opened(folder: Path, version: int = VERSION) -> Database:
    database = open_index(ROOT, folder, version)
    _opened.append(database)
    if database.is_writer:
        database.connection.execute("CREATE TABLE IF NOT EXISTS word (text)")
    return database


def keep(folder: Path, *words: str) -> Path:
    database = opened(folder)
    for word in words:
        database.connection.execute("INSERT INTO word VALUES (?)", (word,))
    database.close()
    return file_of(ROOT, folder)


def kept(database: Database) -> list[str]:
    return [word for (word,) in database.connection.execute("SELECT text FROM word")]


def test_an_index_is_read_again_from_disk(folder: Path) -> None:
    keep(folder, "a")
    assert kept(opened(folder)) == ["a"]


def test_other_users_cannot_read_the_index(folder: Path) -> None:
    file = keep(folder, "a")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
def test_an_index_of_another_version_is_emptied(folder: Path, version: int) -> None:
    keep(folder, "a")
    assert kept(opened(folder, version)) == []


def damage(file: Path, kind: str) -> None:
    content = file.read_bytes()
    if kind == "truncated":
        file.write_bytes(content[: len(content) // 2])
    elif kind == "no header":
        file.write_bytes(b"x" * 5000)
    elif kind == "flipped":
        broken = bytearray(content)
        for at in range(100, len(broken), 41):
            broken[at] ^= 0xFF
        # Its last user did not say goodbye.
        broken[68:72] = (2).to_bytes(4, "big")
        file.write_bytes(broken)
    elif kind == "pickle":
        file.write_bytes(b"\x80\x04cos\nsystem\n")


@pytest.mark.parametrize("kind", ["truncated", "no header", "flipped", "pickle"])
def test_a_damaged_index_is_put_aside(folder: Path, kind: str) -> None:
    file = keep(folder, *("word" * 500 for _ in range(50)))
    damage(file, kind)
    database = opened(folder)
    assert kept(database) == []
    assert database.file == file
    assert Path(f"{file}.damaged").exists()


def test_a_file_without_bytes_is_a_new_index(folder: Path) -> None:
    keep(folder, "a").write_bytes(b"")
    assert kept(opened(folder)) == []


def test_damaged_text_leads_to_a_new_index(folder: Path) -> None:
    indexed = Folder(ROOT, folder)
    entry = entry_of("needle = 1\n", Symbols("python"))
    indexed.put("a.py", FileState("", ""), entry)
    indexed.close()
    file = file_of(ROOT, folder)
    file.write_bytes(file.read_bytes().replace(b"needle = 1", b"needle = \xff"))

    def texts(index: Index) -> list[str]:
        with index.snapshot():
            return [hit.text for hit in index.search({"needle": 1}, 5)]

    again = Folder(ROOT, folder)
    assert again.look_up(texts, ["another database"]) == ["another database"]
    assert again.index.paths() == []
    assert Path(f"{file}.damaged").exists()
    again.close()


def test_damage_found_later_leads_to_a_new_index(folder: Path) -> None:
    keep(folder, "a")
    put_aside(opened(folder))
    assert kept(opened(folder)) == []
    assert Path(f"{file_of(ROOT, folder)}.damaged").exists()


def test_entries_in_the_journal_survive_a_crash(folder: Path) -> None:
    program = (
        "import os; from pathlib import Path\n"
        "from starcoder_lsp.context.index.database import open_index\n"
        f"rows = open_index({ROOT!r}, Path({str(folder)!r}), {VERSION}).connection\n"
        "rows.execute('CREATE TABLE word (text)')\n"
        "rows.execute(\"INSERT INTO word VALUES ('a')\")\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    assert Path(f"{file_of(ROOT, folder)}-wal").stat().st_size
    assert kept(opened(folder)) == ["a"]


def test_a_second_server_reads_the_same_index(folder: Path) -> None:
    keep(folder, "a")
    writer, reader = opened(folder), opened(folder)
    assert (writer.is_writer, reader.is_writer) == (True, False)
    writer.connection.execute("INSERT INTO word VALUES ('b')")
    assert kept(reader) == ["a", "b"]
    writer.close()
    reader.close()
    assert opened(folder).is_writer


def test_a_reader_cannot_write(folder: Path) -> None:
    writer, reader = opened(folder), opened(folder)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.connection.execute("INSERT INTO word VALUES ('b')")
    writer.close()


def test_of_twelve_servers_one_writes_and_none_fails(folder: Path) -> None:
    servers = [opened(folder) for _ in range(12)]
    assert [server.is_writer for server in servers] == [True] + [False] * 11
    assert all(kept(server) == [] for server in servers)


def test_a_server_of_another_version_keeps_its_index_in_memory(folder: Path) -> None:
    keep(folder, "a")
    writer = opened(folder)
    other = opened(folder, VERSION + 1)
    assert other.file is None
    writer.close()
    assert kept(opened(folder)) == ["a"]


def test_an_index_locked_by_another_program_is_not_deleted(folder: Path) -> None:
    file = keep(folder, "a")
    stranger = sqlite3.connect(file, isolation_level=None)
    stranger.execute("PRAGMA locking_mode = EXCLUSIVE")
    stranger.execute("BEGIN EXCLUSIVE")
    assert opened(folder).file is None
    stranger.close()
    assert kept(opened(folder)) == ["a"]


def test_an_index_works_on_after_its_folder_is_deleted(folder: Path) -> None:
    database = opened(folder)
    shutil.rmtree(folder)
    database.connection.execute("INSERT INTO word VALUES ('b')")
    assert kept(database) == ["b"]
    database.close()
    assert kept(opened(folder)) == []


def test_a_busy_database_and_a_full_disk_are_not_damage(tmp_path: Path) -> None:
    rows = sqlite3.connect(tmp_path / "a", isolation_level=None)
    other = sqlite3.connect(tmp_path / "a", timeout=0)
    rows.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError, match="full") as full:
        rows.executescript("CREATE TABLE a (b); CREATE TABLE c (d);")
    assert not is_damage(full.value)
    rows.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked") as busy:
        other.execute("SELECT * FROM a")
    assert not is_damage(busy.value)
    rows.close()
    other.close()


def test_a_damaged_journal_loses_nothing_that_was_committed(folder: Path) -> None:
    file = keep(folder, "a")
    Path(f"{file}-wal").write_bytes(b"x" * 50_000)
    assert kept(opened(folder)) == ["a"]
    assert not Path(f"{file}.damaged").exists()


def test_without_file_locks_the_index_is_in_memory_and_the_old_one_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail to lock, like a network file system without a lock service."""

    def fails(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    keep(folder, "a")
    with monkeypatch.context() as on_a_network:
        on_a_network.setattr(fcntl, "flock", fails)
        database = opened(folder)
        assert database.file is None
        assert database.is_writer
    assert kept(opened(folder)) == ["a"]


@pytest.mark.parametrize("obstacle", ["file", "link", "open to all", "nowhere"])
def test_without_a_place_on_disk_the_index_is_in_memory(
    folder: Path, obstacle: str
) -> None:
    folder.parent.mkdir()
    if obstacle == "file":
        folder.write_text("")
    elif obstacle == "link":
        (folder.parent / "real").mkdir()
        folder.symlink_to("real")
    elif obstacle == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        folder = Path("/proc/none/index")
    database = opened(folder)
    assert database.file is None
    assert database.is_writer
    assert kept(database) == []


def test_a_link_in_place_of_the_index_is_not_followed(folder: Path) -> None:
    file = keep(folder)
    target = folder.parent / "precious"
    target.write_text("mine")
    file.unlink()
    file.symlink_to(target)
    assert opened(folder).file is None
    assert target.read_text() == "mine"


def test_each_workspace_has_its_own_index(tmp_path: Path) -> None:
    odd = os.fsdecode(b"/a/\xff")
    assert len({file_of(root, tmp_path) for root in ("/a", "/b", odd)}) == 3
