"""Tests of the recorder in benchmarks/typing."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from editors.driver import Neovim, eventually

TYPING = Path(__file__).parents[2] / "benchmarks" / "typing"


@pytest.fixture
def steps_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Any]], list[Any]]:
    found = importlib.util.spec_from_file_location("session", TYPING / "session.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(__import__("sys").modules, "session", module)
    found.loader.exec_module(module)
    return module.steps_of  # type: ignore[no-any-return]  # loaded from its file


def test_keys_corrections_and_looks_are_recorded(
    start_neovim: Callable[[], Neovim],
    steps_of: Callable[[list[Any]], list[Any]],
    tmp_path: Path,
) -> None:
    file = tmp_path / "mine.jsonl"
    editor = start_neovim()
    editor.lua("vim.env.STARCODER_RECORD = ...", str(file))
    editor.command(f"source {TYPING / 'record.lua'}")
    editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, {'# above', '', 'end()'})")
    editor.type("ji  if a <lt> b:xy<BS><BS><CR><Tab>go<Esc>")
    eventually(file.exists)
    around, *rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert around == {"above": "# above\n", "below": "\nend()\n"}
    keys = [key for _, key in rows]
    assert keys[-8:] == ["x", "y", "back", "back", "\n  ", "look", "g", "o"]
    assert "".join(step.text for step in steps_of(rows)) == "  if a < b:\n  go"
