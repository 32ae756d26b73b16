"""Runs an editor in a terminal of its own (tmux), presses keys and reads the screen."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

WIDTH, HEIGHT = 90, 24
DEADLINE_S = 15.0
POLL_S = 0.05


class Terminal:
    """A program in tmux, with `home` as its home and no settings of the user."""

    def __init__(self, home: Path, folder: Path, *command: str) -> None:
        self._socket = home / "tmux"
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "TMUX"))
        }
        self._environment = {
            **kept, "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        size = ("-x", str(WIDTH), "-y", str(HEIGHT))
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", *size, "-c", str(folder), *command
        )
        self._tmux("set", "-g", "status", "off")
        self._tmux("set", "-s", "escape-time", "10")

    def press(self, *keys: str) -> None:
        """Press keys in tmux' notation: `C-n`, `Enter`, `Escape`."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(POLL_S)

    def type(self, text: str) -> None:
        for character in text:
            self._tmux("send-keys", "-l", character)
            time.sleep(POLL_S)

    def screen(self) -> str:
        lines = self._tmux("capture-pane", "-p").splitlines()
        return "\n".join(line.rstrip() for line in lines)

    def until(self, is_reached: Callable[[str], bool]) -> str:
        """Return the first screen that fulfils a condition; fail after a while."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_reached(screen := self.screen()):
            assert time.monotonic() < deadline, screen
            time.sleep(POLL_S)
        return screen

    def close(self) -> None:
        self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-u", "-S", str(self._socket), *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        return done.stdout
