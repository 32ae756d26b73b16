"""Tests with a real Neovim, the real server and a real model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from editors.driver import Neovim, eventually

SERVER = [sys.executable, "-P", "-m", "starcoder_lsp", "--stdio"]
FIBONACCI = """def fibonacci(n):
    # The n-th Fibonacci number.
    if n < 2:
        return n
"""


def command(model: Path) -> list[str]:
    return [*SERVER, "--model-path", str(model), "--time-budget-ms", "60000"]


def real_editor(open_editor: Callable[..., Neovim], model: Path, text: str) -> Neovim:
    editor = open_editor(
        cmd=command(model),
        text=text,
        filetype="python",
    )
    eventually(lambda: "ready" in editor.status())
    return editor


def test_tab_inserts_the_suggestion_of_the_model(
    open_editor: Callable[..., Neovim], smollm2: Path
) -> None:
    editor = real_editor(open_editor, smollm2, FIBONACCI)
    editor.type("Go<C-u>    return fibonacci(n - 1) + ")
    eventually(editor.ghost, "fibonacci(n - 2)")
    editor.type("<Tab>")
    eventually(
        lambda: editor.lines()[-1], "    return fibonacci(n - 1) + fibonacci(n - 2)"
    )


def test_a_line_with_an_emoji_is_completed_at_the_cursor(
    open_editor: Callable[..., Neovim], smollm2: Path
) -> None:
    editor = real_editor(open_editor, smollm2, 'greeting = "😀"\nprint(greeting)\n')
    editor.type('Goprint("👋", gree')
    eventually(editor.ghost, "ting)")
    editor.type("<Tab>")
    eventually(lambda: editor.lines()[-1], 'print("👋", greeting)')
