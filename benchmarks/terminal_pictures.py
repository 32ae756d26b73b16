"""Draws docs/vim.svg and docs/emacs.svg: real editors with the server and the small model.

    python benchmarks/terminal_pictures.py

This needs tmux, Vim, Emacs, the development packages and
`starcoder-lsp models get smollm2-135m`.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import picture
from picture import COLUMNS, FILE, LOOK_S, ROOT, ROWS, SERVER, Cell, Screen

FOREGROUND, BACKGROUND = 0xE0E2EA, 0x14161B  # where the editor sets none
# The colours of xterm: 8 dark, 8 bright, a cube of 216, and greys.
STEPS = (0, 95, 135, 175, 215, 255)
BASIC = (
    0x000000, 0xCD3131, 0x0DBC79, 0xE5E510, 0x2472C8, 0xBC3FBC, 0x11A8CD, 0xE5E5E5,
    0x666666, 0xF14C4C, 0x23D18B, 0xF5F543, 0x3B8EEA, 0xD670D6, 0x29B8DB, 0xFFFFFF,
)  # fmt: skip
PALETTE = (
    *BASIC,
    *((r << 16) + (g << 8) + b for r in STEPS for g in STEPS for b in STEPS),
    *(0x010101 * (8 + 10 * n) for n in range(24)),
)
VIMRC = f"""
set nocompatible termguicolors background=dark noshowmode noruler noshowcmd autoindent
set backspace=indent,eol,start shortmess+=IF laststatus=2 nomodeline expandtab
set runtimepath^={ROOT}/editors/vim
set statusline=\\ %f\\ %=\\ %{{starcoder#Status()}}
filetype plugin on
syntax on
colorscheme habamax
autocmd User StarcoderStatus redrawstatus
let g:starcoder = {{'cmd': {SERVER!r}}}
"""
INIT = f"""
(setq inhibit-startup-screen t inhibit-startup-echo-area-message (user-login-name)
      make-backup-files nil auto-save-default nil eldoc-idle-delay 1000)
(menu-bar-mode -1)
(load-theme 'wombat t)
(add-to-list 'load-path "{ROOT}/editors/emacs")
(require 'starcoder)
(setq starcoder-command '({" ".join(f'"{word}"' for word in SERVER)})
      mode-line-format '(" %b   %m   starcoder: " (:eval (starcoder-status-text)))
      python-indent-guess-indent-offset nil)
(setq-default mode-line-format mode-line-format)
(set-face-attribute 'starcoder-ghost nil :foreground "#888888")
(global-starcoder-mode 1)
(add-hook 'find-file-hook (lambda () (goto-char (point-max))))
"""


class Tmux:
    """A program in a terminal of tmux."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.socket = str(folder / "tmux")
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        self.run(
            "-f", "/dev/null", "new-session", "-d", *size, "-c", str(folder), *command
        )
        self.run("set", "-g", "status", "off")
        self.run("set", "-s", "escape-time", "10")

    def run(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", self.socket, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout

    def type(self, text: str) -> None:
        for character in text:
            self.run("send-keys", "-l", character)
            time.sleep(0.05)

    def text(self) -> str:
        return self.run("capture-pane", "-p")

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 60
        while text not in self.text():
            if time.monotonic() > deadline:
                raise SystemExit(f"no {text!r} on the screen:\n{self.text()}")
            time.sleep(0.1)

    def screen(self) -> Screen:
        return screen_of(self.run("capture-pane", "-p", "-e"), self.cursor())

    def cursor(self) -> tuple[int, int]:
        at = self.run("display", "-p", "#{cursor_y} #{cursor_x}")
        row, column = map(int, at.split())
        return row, column


def screen_of(drawn: str, cursor: tuple[int, int]) -> Screen:
    """Return the screen that a text with escape sequences for colours draws."""
    screen = Screen(
        [], {0: {"foreground": FOREGROUND, "background": BACKGROUND}}, cursor
    )
    numbers: dict[tuple[tuple[str, int], ...], int] = {(): 0}
    style: dict[str, int] = {}
    for line in drawn.split("\n")[:ROWS]:
        cells: list[Cell] = []
        for sequence, character in re.findall(r"\x1b\[([\d;]*)m|(.)", line):
            if character:
                key = tuple(sorted(style.items()))
                number = numbers.setdefault(key, len(numbers))
                screen.styles.setdefault(number, dict(style))
                cells.append((character, number))
            else:
                apply(style, [int(code or 0) for code in sequence.split(";")])
        screen.cells.append(cells)
    # The terminal shows the editor's background only where there is text.
    backgrounds = [
        screen.styles[n].get("background") for row in screen.cells for _, n in row
    ]
    usual = statistics.mode(backgrounds)
    if usual is not None:
        screen.styles[0]["background"] = usual
    return screen


def apply(style: dict[str, int], codes: list[int]) -> None:
    """Apply one escape sequence for colours (`SGR`) to a style."""
    while codes:
        code, *codes = codes
        side = "foreground" if code // 10 in (3, 9) else "background"
        match code:
            case 0:
                style.clear()
            case 7 | 27:
                style["reverse"] = int(code == 7)
            case 39 | 49:
                style.pop(side, None)
            case 38 | 48 if codes[0] == 5:
                style[side], codes = PALETTE[codes[1]], codes[2:]
            case 38 | 48:
                red, green, blue = codes[1:4]
                style[side], codes = (red << 16) + (green << 8) + blue, codes[4:]
            case _ if code // 10 in (3, 4, 9, 10) and code % 10 < 8:
                style[side] = PALETTE[code % 10 + (8 if code >= 90 else 0)]


def shot(command: list[str], start: str, folder: Path) -> Screen:
    """Type a line in an editor, and return the screen with the next as ghost text."""
    (folder / ".git").mkdir()
    (folder / "numbers.py").write_text(FILE)
    tmux = Tmux(folder, command)
    try:
        tmux.wait_for("ready")
        tmux.type(f"{start}    center = mean(values)")
        tmux.run("send-keys", "Enter")
        tmux.wait_for("return ")
        deadline = time.monotonic() + 20
        while "sum((" not in tmux.text() and time.monotonic() < deadline:
            time.sleep(0.2)
        return tmux.screen()
    finally:
        tmux.run("kill-server")


def main() -> None:
    editors = {
        "vim": (VIMRC, "vim", ["-i", "NONE", "-n", "-u"], "Go"),
        "emacs": (INIT, "emacs", ["-nw", "-Q", "-l"], ""),
    }
    wanted = sys.argv[1:] or list(editors)
    for name in wanted:
        setup, program, flags, start = editors[name]
        with tempfile.TemporaryDirectory() as folder:
            init = Path(folder) / "init"
            init.write_text(setup)
            command = [program, *flags, str(init), "numbers.py"]
            screen = shot(command, start, Path(folder))
        title = f"Ghost text in {name.capitalize()}"
        drawn = picture.svg([(screen, LOOK_S)], title)
        (ROOT / "docs" / f"{name}.svg").write_text(drawn)


if __name__ == "__main__":
    main()
