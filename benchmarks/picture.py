"""Draws docs/nvim.svg: a real Neovim with our plugin, the server and the small model.

    python benchmarks/picture.py

This needs the development packages and `starcoder-lsp models get smollm2-135m`. Neovim
sends its screen as events (`:help ui-linegrid`), and each step of the scene is one frame.
"""

from __future__ import annotations

import copy
import sys
import tempfile
import time
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from editors.driver import (  # noqa: E402
    Connection,
    Neovim,
    eventually,
    neovim_binaries,
)

SERVER = [sys.executable, "-P", "-m", "starcoder_lsp", "--stdio"]
FILE = '''\
"""Statistics of a list of numbers."""


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def variance(values: list[float]) -> float:
'''
TYPED = "    center = mean(values)"
KEY_S, LOOK_S, END_S = 0.08, 1.8, 3.0

COLUMNS, ROWS = 76, 14
CELL, LINE, MARGIN, ASCENT = 8.4, 19, 12, 14
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"
SET_UP = """
vim.o.termguicolors, vim.o.background, vim.o.showmode = true, "dark", false
vim.o.ruler, vim.o.showcmd, vim.o.autoindent = false, false, true
vim.o.statusline = " %f %= %{v:lua.require'starcoder'.status()} "
vim.cmd("syntax enable")
vim.api.nvim_create_autocmd("User", {
  pattern = "StarcoderStatus",
  command = "redrawstatus",
})
"""

# The text of a cell and the number of its highlight.
Cell = tuple[str, int]


@dataclass
class Screen:
    """The screen of a Neovim, from the events that it sends."""

    cells: list[list[Cell]] = field(default_factory=list)
    styles: dict[int, dict[str, Any]] = field(default_factory=dict)
    cursor: tuple[int, int] = (0, 0)

    def apply(self, event: str, arguments: list[Any]) -> None:
        match event, arguments:
            case "default_colors_set", [foreground, background, *_]:
                self.styles[0] = {"foreground": foreground, "background": background}
            case "hl_attr_define", [number, attributes, *_]:
                self.styles[number] = attributes
            case "grid_resize", [_, width, height]:
                self.cells = [[(" ", 0)] * width for _ in range(height)]
            case "grid_clear", _:
                self.cells = [[(" ", 0)] * len(row) for row in self.cells]
            case "grid_cursor_goto", [_, row, column]:
                self.cursor = row, column
            case "grid_line", [_, row, column, cells, *_]:
                self._write(row, column, cells)
            case "grid_scroll", [_, top, bottom, _, _, n_rows, _]:
                part = self.cells[top:bottom]
                blank = [[(" ", 0)] * COLUMNS for _ in range(abs(n_rows))]
                up, down = [*part[n_rows:], *blank], [*blank, *part[:n_rows]]
                self.cells[top:bottom] = up if n_rows > 0 else down

    def _write(self, row: int, column: int, cells: list[list[Any]]) -> None:
        style = 0
        for text, *more in cells:
            style = more[0] if more else style
            for _ in range(more[1] if len(more) > 1 else 1):
                self.cells[row][column] = text, style
                column += 1


class DrawnConnection(Connection):
    """A connection that keeps the screen of its Neovim."""

    def __init__(self, binary: str) -> None:
        self.screen = Screen()
        super().__init__(binary)

    def receive(self, message: list[Any]) -> None:
        if message[:2] != [2, "redraw"]:
            super().receive(message)
            return
        for event, *calls in message[2]:
            for arguments in calls:
                self.screen.apply(event, arguments)


class DrawnNeovim(Neovim):
    """A Neovim with a screen; `shots` are the frames, with their seconds."""

    def __init__(self, binary: str) -> None:
        super().__init__(binary, DrawnConnection)
        self.connection.call("nvim_ui_attach", COLUMNS, ROWS, {"ext_linegrid": True})
        self.shots: list[tuple[Screen, float]] = []

    def shoot(self, seconds: float) -> None:
        self.command("redraw")
        time.sleep(0.1)
        self.shots.append((copy.deepcopy(self.connection.screen), seconds))


def scene(folder: Path) -> list[tuple[Screen, float]]:
    """Type a line, accept two suggestions, and return the frames with their seconds."""
    file = folder / "statistics.py"
    file.write_text(FILE)
    editor = DrawnNeovim(neovim_binaries()[0])
    try:
        editor.lua(SET_UP)
        editor.command(f"cd {folder} | edit statistics.py")
        editor.command("setlocal filetype=python")
        editor.lua("require('starcoder').setup(...)", {"cmd": SERVER})
        eventually(lambda: "ready" in editor.status())
        editor.type("Go<C-u>")
        editor.shoot(1.0)
        for key in TYPED:
            editor.type(key)
            editor.shoot(KEY_S)
        editor.type("<CR>")
        for keys in (("<Tab>", "<CR>"), ("<Tab>",)):
            eventually(lambda: editor.ghost() != "")
            editor.shoot(LOOK_S)
            for key in keys:
                editor.type(key)
                time.sleep(0.1)
        editor.shoot(END_S)
    finally:
        editor.connection.close()
    return editor.shots


def svg(shots: list[tuple[Screen, float]], title: str) -> str:
    """Draw the frames one below the other, and move them past a window in steps."""
    width, height = COLUMNS * CELL + 2 * MARGIN, ROWS * LINE + 2 * MARGIN
    total_s = sum(seconds for _, seconds in shots)
    rows: dict[str, str] = {}
    frames, steps, at_s = [], [], 0.0
    for n, (screen, seconds) in enumerate(shots):
        steps.append(
            f"{at_s / total_s:.2%}{{transform:translateY({-n * height:.0f}px)}}"
        )
        at_s += seconds
        frames.append(drawn(screen, n * height, rows))
    # Viewers without animation show the first suggestion.
    still = next(n for n, (_, seconds) in enumerate(shots) if seconds == LOOK_S)
    background = color(shots[0][0].styles[0]["background"])
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">
<title>{title}</title>
<style>
text{{font:14px {FONT};white-space:pre}}
#film{{animation:film {total_s:.1f}s step-end infinite}}
@media (prefers-reduced-motion:reduce){{#film{{animation:none}}}}
@keyframes film{{{"".join(steps)}}}
</style>
<rect width="100%" height="100%" rx="8" fill="{background}"/>
<defs>
{"".join(f'<g id="{name}">{row}</g>{chr(10)}' for row, name in rows.items())}</defs>
<svg width="{width:.0f}" height="{height:.0f}"><g id="film" transform="translate(0,{-still * height:.0f})">
{chr(10).join(frames)}
</g></svg>
</svg>
"""


def drawn(screen: Screen, top: float, rows: dict[str, str]) -> str:
    """Draw a frame; `rows` gives equal rows of all frames one name."""
    parts = []
    for n, cells in enumerate(screen.cells):
        if row := row_of(cells, screen.styles):
            name = rows.setdefault(row, f"r{len(rows)}")
            y = top + MARGIN + n * LINE
            parts.append(f'<use href="#{name}" x="{MARGIN}" y="{y:.0f}"/>')
    row_n, column = screen.cursor
    x, y = MARGIN + column * CELL, top + MARGIN + row_n * LINE
    parts.append(
        f'<rect x="{x:.1f}" y="{y:.0f}" width="2" height="{LINE}" fill="#fff"/>'
    )
    return "".join(parts)


def row_of(cells: list[Cell], styles: dict[int, dict[str, Any]]) -> str:
    """Draw the runs of one style in a row."""
    parts, column = [], 0
    while column < len(cells):
        style, end = cells[column][1], column
        while end < len(cells) and cells[end][1] == style:
            end += 1
        text = "".join(text for text, _ in cells[column:end])
        look = styles[0] | styles.get(style, {})
        parts.append(run_of(text, column, look, styles[0]["background"]))
        column = end
    return "".join(parts)


def run_of(text: str, column: int, style: dict[str, Any], default: int) -> str:
    """Draw a text of one style; only another background than `default` is drawn."""
    foreground, background = style["foreground"], style["background"]
    if style.get("reverse"):
        foreground, background = background, foreground
    x, width, parts = column * CELL, len(text) * CELL, ""
    if background != default:
        parts += (
            f'<rect x="{x:.1f}" width="{width:.1f}" height="{LINE}" '
            f'fill="{color(background)}"/>'
        )
    if stripped := text.rstrip():
        length = len(stripped) * CELL
        parts += (
            f'<text x="{x:.1f}" y="{ASCENT}" textLength="{length:.1f}" '
            f'xml:space="preserve" fill="{color(foreground)}">{escape(stripped)}</text>'
        )
    return parts


def color(number: int) -> str:
    return f"#{number:06x}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shots = scene(Path(folder))
    (ROOT / "docs" / "nvim.svg").write_text(svg(shots, "Ghost text in Neovim"))


if __name__ == "__main__":
    main()
