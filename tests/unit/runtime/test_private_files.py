"""Private files are readable by their user alone, and whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from starcoder_lsp.runtime import private_files


def test_a_folder_is_the_users_alone(tmp_path: Path) -> None:
    folder = private_files.folder(tmp_path / "a" / "b")
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert private_files.folder(folder).stat().st_mode & 0o777 == 0o700


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotADirectoryError):
        private_files.folder(tmp_path / "link")


def test_a_file_or_folder_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private_files.write(tmp_path / "file", b"x")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(PermissionError, match="another user"):
        private_files.read(tmp_path / "file", 10)
    with pytest.raises(PermissionError, match="another user"):
        private_files.folder(tmp_path)


def test_a_file_is_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "file"
    private_files.write(path, b"one ", memoryview(b"two"))
    assert private_files.read(path, 10) == b"one two"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(OSError, match="too large"):
        private_files.read(path, 3)


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    private_files.write(path, b"old")
    with pytest.raises(TypeError):
        private_files.write(path, b"new", "no bytes")  # type: ignore[arg-type]  # that is the point
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_and_a_fifo_are_not_read(tmp_path: Path) -> None:
    private_files.write(tmp_path / "file", b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo"):
        with pytest.raises(OSError, match=r"symbolic links|not a file"):
            private_files.read(tmp_path / name, 10)
