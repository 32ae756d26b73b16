"""An index shared by processes: one writes, the others read, and each may end."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from starcoder_lsp.context.index import database, folder
from starcoder_lsp.context.index.database import Database, file_of
from starcoder_lsp.context.index.entry import entry_of
from starcoder_lsp.context.index.folder import FileState, Folder
from starcoder_lsp.context.symbols import Symbols

ROOT = "/work space/é"
# A file lock belongs to what has opened the file: folders of one process exclude each
# other as those of several processes do.
Open = Callable[[], Folder]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index"


@pytest.fixture
def start(cache: Path) -> Iterator[Open]:
    """Open the index as one more process; the first one writes."""
    opened: list[Folder] = []

    def one_more() -> Folder:
        opened.append(Folder(ROOT, cache))
        return opened[-1]

    yield one_more
    for each in opened:
        each.close()


def put(index: Folder, *paths: str) -> None:
    for path in paths:
        index.put(path, FileState("1", path), entry_of("x = 1\n", Symbols("python")))
    index.commit()


def paths(index: Folder) -> list[str]:
    return index.look_up(lambda found: found.paths(), ["nothing"])


def renewals(index: Folder) -> list[None]:
    """Return a list that gets an entry each time the folder asks for a look at all files."""
    asked: list[None] = []
    index.on_renewed = lambda: asked.append(None)
    return asked


def connection_of(index: Folder) -> sqlite3.Connection:
    return index._database.connection


def damage(cache: Path) -> None:
    """Damage an index: only its first page stays."""
    file = file_of(ROOT, cache)
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)


def test_a_reader_sees_new_entries_without_reopening_the_index(
    start: Open,
) -> None:
    writer = start()
    put(writer, "a.py")
    reader = start()
    opened = connection_of(reader)
    for n in range(3):
        put(writer, f"b{n}.py")
        reader.follow()
        assert paths(reader) == ["a.py", *(f"b{m}.py" for m in range(n + 1))]
        assert connection_of(reader) is opened
    assert not reader.is_writer


def test_a_reader_counts_the_files_that_the_writer_left_out(start: Open) -> None:
    writer = start()
    reader = start()
    writer.leave_out("a.py", FileState("1", "2", "minified"))
    writer.commit()
    assert reader.left_out() == writer.left_out() == {"minified": 1}


def test_a_reader_does_not_renew_anything_while_it_only_reads(start: Open) -> None:
    writer = start()
    put(writer, "a.py")
    reader = start()
    asked = renewals(reader)
    for _ in range(3):
        reader.follow()
    assert asked == []


def test_a_reader_writes_when_the_writer_is_gone(start: Open) -> None:
    writer = start()
    put(writer, "a.py")
    reader, other = start(), start()
    asked = renewals(reader)
    writer.close()
    reader.follow()
    other.follow()
    assert (reader.is_writer, other.is_writer, len(asked)) == (True, False, 1)
    assert list(reader.sources) == ["a.py"]
    put(reader, "b.py")
    assert paths(other) == ["a.py", "b.py"]


def test_a_reader_waits_for_a_writer_that_has_not_begun(
    cache: Path, start: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = start()
    with monkeypatch.context() as before:
        before.setattr(database, "_identity_of", lambda file: None)
        reader = start()
    assert (reader.is_writer, reader.is_in_memory, paths(reader)) == (False, False, [])
    assert (reader.languages(), reader.left_out()) == ({}, {})
    put(writer, "a.py")
    reader.follow()
    assert paths(reader) == ["a.py"]


def test_the_writer_repairs_damage_that_only_a_reader_has_seen(
    cache: Path, start: Open
) -> None:
    writer = start()
    put(writer, *(f"a{n}.py" for n in range(500)))
    writer.close()
    writer, reader = start(), start()
    asked = renewals(writer)
    damage(cache)
    assert paths(reader) == ["nothing"]
    assert paths(reader) == []
    writer.follow()
    assert len(asked) == 1
    put(writer, "b.py")
    assert paths(reader) == paths(writer) == ["b.py"]
    assert file_of(ROOT, cache).with_suffix(".sqlite.damaged").exists()
    writer.follow()
    assert len(asked) == 1


def test_a_report_about_an_older_file_is_ignored(cache: Path, start: Open) -> None:
    writer = start()
    put(writer, "a.py")
    database.report_damage(Database(connection_of(writer), file_of(ROOT, cache), None, (0, 0)))  # fmt: skip
    writer.follow()
    assert paths(writer) == ["a.py"]
    assert not list(cache.glob("*.damage"))


def test_readers_continue_with_the_index_that_is_rebuilt_after_damage(
    cache: Path, start: Open
) -> None:
    writer = start()
    put(writer, "a.py")
    readers = [start(), start()]
    writer._recover(sqlite3.DatabaseError("damaged"))
    put(writer, "b.py")
    assert [paths(reader) for reader in readers] == [["b.py"], ["b.py"]]


def test_a_deleted_index_is_made_again(cache: Path, start: Open) -> None:
    writer = start()
    put(writer, "a.py")
    reader = start()
    asked = renewals(writer)
    shutil.rmtree(cache)
    writer.follow()
    assert (writer.is_writer, writer.is_in_memory, len(asked)) == (True, False, 1)
    put(writer, "b.py")
    assert paths(reader) == ["b.py"]


def test_an_unreadable_disk_does_not_cause_a_rebuild(
    start: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = start()
    put(writer, "a.py")

    def fails(file: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(database, "_identity_of", fails)
    writer.follow()
    assert paths(writer) == ["a.py"]
    assert not writer.is_in_memory


def test_an_index_that_is_damaged_again_and_again_is_kept_in_memory(
    start: Open,
) -> None:
    writer = start()
    for n in range(folder.MAX_REBUILDS + 1):
        assert not writer.is_in_memory, n
        writer._recover(sqlite3.DatabaseError("damaged"))
    assert writer.is_in_memory
    put(writer, "a.py")
    assert paths(writer) == ["a.py"]


def test_text_that_sqlite_quotes_in_an_error_is_not_logged(
    start: Open, caplog: pytest.LogCaptureFixture
) -> None:
    index = start()
    index.put("a.py", FileState("1", "a"), entry_of("token = 1\n", Symbols("python")))
    quoting = "Could not decode to UTF-8 column 'text' with text 'token = 1'"
    index._recover(sqlite3.OperationalError(quoting))
    assert "starts again" in caplog.text
    assert "token" not in caplog.text


def test_a_chunk_whose_file_is_missing_is_damage(start: Open) -> None:
    index = start()
    put(index, "a.py")
    search = index.index.search
    assert index.look_up(lambda found: len(search({"x": 1.0}, 1)), 0) == 1
    connection_of(index).execute("DELETE FROM content")
    index.index._search.forget_all()
    assert index.look_up(lambda found: len(found.search({"x": 1.0}, 1)), -1) == -1
    assert paths(index) == []
