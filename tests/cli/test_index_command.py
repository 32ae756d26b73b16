"""`starcoder-lsp index` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from starcoder_lsp import cli
from starcoder_lsp.context import client
from starcoder_lsp.context.index.entry import entry_of
from starcoder_lsp.context.index.folder import FileState, Folder
from starcoder_lsp.context.symbols import Symbols
from starcoder_lsp.runtime.paths import cache_dir


def index(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "starcoder_lsp", "index", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_a_folder_is_indexed_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def a():\n    return 1\n")
    (tmp_path / ".env").write_text("A=1\n")
    done = index(str(tmp_path), "--stats")
    assert f"{tmp_path}: 1 files, 1 definitions" in done.stdout
    assert "1  python" in done.stdout
    assert "1  secret" in done.stdout


def test_a_folder_that_an_editor_has_open_is_counted_too(tmp_path: Path) -> None:
    """The editor's process writes the index; the command reads along."""
    root = tmp_path / "w"
    root.mkdir()
    editors = Folder(str(root), cache_dir() / "index")
    editors.put("a.py", FileState("1", "2"), entry_of("x = 1\n", Symbols("python")))
    editors.commit()
    assert f"{root}: 1 files" in index(str(root)).stdout
    editors.close()


def test_a_low_limit_of_open_files_is_enough(tmp_path: Path) -> None:
    for n in range(200):
        (tmp_path / f"f{n}.py").write_text(f"def f{n}(): ...\n")
    command = [sys.executable, "-P", "-m", "starcoder_lsp", "index", str(tmp_path)]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *command],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"{tmp_path}: 200 files, 200 definitions" in done.stdout
    assert done.stderr == ""


HOMES: dict[str, dict[str, str | None]] = {
    "read-only": {"HOME": "/proc/none", "TMPDIR": "/proc/none"},
    "unset": {"HOME": None, "XDG_CACHE_HOME": "/proc/none", "XDG_CONFIG_HOME": None},
    "relative": {"HOME": "/proc/none", "XDG_CACHE_HOME": "a", "XDG_CONFIG_HOME": "./b"},
}


@pytest.mark.parametrize("kind", HOMES)
def test_a_folder_is_indexed_with_any_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / "a.py").write_text("def a(): ...\n")
    for name in ("DATA", "CACHE", "CONFIG"):
        monkeypatch.delenv(f"STARCODER_LSP_{name}")
    for name, value in HOMES[kind].items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    answer = json.loads(index(str(tmp_path), "--json").stdout)
    assert answer["n_files"] == 1
    assert answer["is_in_memory"]
    assert list(tmp_path.iterdir()) == [tmp_path / "a.py"]


def test_json_output_is_one_object(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def a():\n    return 1\n")
    (tmp_path / "b.py").write_text("def b():\n    return 1\n")
    answer = json.loads(index(str(tmp_path), "--json", "--ignore", "b.py").stdout)
    assert answer["n_files"] == 1
    assert answer["languages"] == {"python": 1}
    assert answer["skipped"]["ignored"] == 1


def test_what_is_not_a_folder_is_named(tmp_path: Path) -> None:
    done = index(str(tmp_path / "none"))
    assert done.returncode == 2
    assert "is not a folder" in done.stderr


def test_an_indexer_that_dies_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (sys.executable, "-c", "raise SystemExit(1)")
    monkeypatch.setattr(client, "python_module", lambda *arguments: command)
    with pytest.raises(SystemExit, match="1"):
        cli.main(["index", str(tmp_path)])
    assert "the indexer died" in capsys.readouterr().err


def test_without_context_there_is_no_index(tmp_path: Path) -> None:
    done = index(str(tmp_path), "--context", "false")
    assert done.returncode == 2
    assert "context = false" in done.stderr
