"""Directories of users with and without a home, and files named by URIs."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.runtime import paths
from starcoder_lsp.runtime.paths import NOWHERE, path_of_uri, project_file, uri_of

DIRECTORIES: dict[str, Callable[[], Path]] = {
    "cache": paths.cache_dir,
    "data": paths.data_dir,
    "config": lambda: paths.user_config_file().parent,
}


@pytest.fixture(autouse=True)
def no_directories_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "CACHE", "CONFIG"):
        monkeypatch.delenv(f"STARCODER_LSP_{name}")
        monkeypatch.delenv(f"XDG_{name}_HOME", raising=False)


def nobody(_user: int) -> Any:
    raise KeyError("uid not found")


@pytest.mark.parametrize("kind", DIRECTORIES)
def test_a_user_without_a_home_has_no_directory_that_a_project_could_provide(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.chdir(tmp_path)
    folder = DIRECTORIES[kind]()
    assert folder == NOWHERE
    with pytest.raises(NotADirectoryError):
        folder.mkdir(parents=True)


@pytest.mark.parametrize("kind", DIRECTORIES)
def test_a_relative_directory_of_the_environment_is_ignored(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", "relative")
    folder = DIRECTORIES[kind]()
    assert folder.is_absolute()
    assert "relative" not in folder.parts


@pytest.mark.parametrize("kind", DIRECTORIES)
def test_a_directory_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(tmp_path))
    assert DIRECTORIES[kind]() == tmp_path / "starcoder-lsp"


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b.py", "/a/b.py"),
        ("file://localhost/a/b.py", "/a/b.py"),
        ("file:///a%20b/%C3%A9.py", "/a b/é.py"),
        ("file:///a/caf%E9.py", os.fsdecode(b"/a/caf\xe9.py")),
        ("file:///a/é.py", "/a/é.py"),
        ("file://server/a/b.py", None),
        ("file:///a%00b", None),
        ("file://[", None),
        ("file:///a\ud800", None),
        ("untitled:b.py", None),
        ("git:/a/b.py", None),
        ("", None),
    ],
)
def test_a_uri_names_a_file_by_its_bytes(uri: str, path: str | None) -> None:
    assert path_of_uri(uri) == (path and Path(path))


@pytest.mark.parametrize("name", [b"a b", b"%41#?", "é".encode(), b"caf\xe9", b"a\nb"])
def test_every_file_has_a_uri_that_leads_back(name: bytes) -> None:
    file = Path("/folder") / os.fsdecode(name)
    assert uri_of(file).isascii()
    assert path_of_uri(uri_of(file)) == file


def test_without_a_workspace_there_is_no_project_file(tmp_path: Path) -> None:
    (tmp_path / ".starcoder.toml").write_text("")
    assert project_file(tmp_path, [tmp_path]) == tmp_path / ".starcoder.toml"
    assert project_file(tmp_path, []) is None
