"""Tests with a real Vim and Emacs, the real server and a real model."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from editors.driver import eventually
from editors.emacs_driver import Emacs, emacs_binaries, lisp
from editors.test_nvim_real import FIBONACCI, command
from editors.vim_driver import Vim, vim_binaries

TYPED = "    return fibonacci(n - 1) + "
GREETING = 'greeting = "😀"\nprint(greeting)\n'


def project(folder: Path) -> Path:
    (folder / ".git").mkdir()
    file = folder / "a.py"
    file.write_text(FIBONACCI)
    return file


def test_vim_inserts_the_suggestion_of_the_model(tmp_path: Path, smollm2: Path) -> None:
    if not vim_binaries():
        pytest.skip("no vim: install the Debian package vim")
    file = project(tmp_path)
    opened = Vim(vim_binaries()[0], tmp_path, {"cmd": command(smollm2)})
    with contextlib.closing(opened) as vim:
        vim.command(f"edit {file}")
        eventually(lambda: "ready" in vim.status())
        vim.type(f"Go<C-u>{TYPED}")
        eventually(vim.ghost, "fibonacci(n - 2)")
        vim.type("<Tab>")
        eventually(lambda: vim.lines()[-1], f"{TYPED}fibonacci(n - 2)")
        vim.leave_insert_mode()
        (tmp_path / "b.py").write_text(GREETING)
        vim.command("edit! b.py")
        vim.type('Goprint("👋", gree')
        eventually(vim.ghost, "ting)")
        vim.type("<Tab>")
        eventually(lambda: vim.lines()[-1], 'print("👋", greeting)')
        assert "decision" in vim.execute("starcoder.explain")


def test_emacs_inserts_the_suggestion_of_the_model(
    tmp_path: Path, smollm2: Path
) -> None:
    if not emacs_binaries():
        pytest.skip("no emacs: install the Debian package emacs-nox")
    file = project(tmp_path)
    before = f"(setq starcoder-command (append {lisp(command(smollm2))} nil))"
    opened = Emacs(emacs_binaries()[0], tmp_path, f"{before} (global-starcoder-mode 1)")
    with contextlib.closing(opened) as emacs:
        emacs.visit(file)
        eventually(lambda: "ready" in emacs.told())
        emacs.eval("(goto-char (point-max))")
        emacs.type(TYPED)
        eventually(emacs.ghost, "fibonacci(n - 2)")
        emacs.type("<Tab>")
        eventually(emacs.text, f"{FIBONACCI}{TYPED}fibonacci(n - 2)")
        (tmp_path / "b.py").write_text(GREETING)
        emacs.visit(tmp_path / "b.py")
        emacs.eval("(goto-char (point-max))")
        emacs.type('print("👋", gree')
        eventually(emacs.ghost, "ting)")
        emacs.type("<Tab>")
        eventually(emacs.text, f'{GREETING}print("👋", greeting)')
        assert "decision" in emacs.execute("starcoder.explain")
