"""Runs a program in a terminal of its own, and presses keys there."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path

from editors.driver import DEADLINE_S

ROWS, COLUMNS = 24, 80
# A terminal belongs to a program that starts a session there.
IN_SESSION = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
# What a terminal sends for keys in Vim's notation.
CODES = {
    "Tab": "\t",
    "CR": "\r",
    "Esc": "\x1b",
    "BS": "\x7f",
    "Space": " ",
    "lt": "<",
    "Up": "\x1b[A",
    "Down": "\x1b[B",
    "Right": "\x1b[C",
    "Left": "\x1b[D",
    "End": "\x1b[F",
    "C-Right": "\x1b[1;5C",
    "C-Space": "\x00",
}
NAMED = {"CR": 13, "Bslash": 92}


def code_of(key: str, alt: str) -> str:
    r"""Return what a terminal sends for a key in Vim's notation.

    `alt` is what it sends for a key with Alt, with the number of the key's character.

    >>> [code_of(key, "\x1b[27;3;{0}~") for key in ("<Tab>", "<C-l>", "<M-]>", "x")]
    ['\t', '\x0c', '\x1b[27;3;93~', 'x']
    """
    name = key[1:-1] if len(key) > 1 else ""
    if name in CODES:
        return CODES[name]
    if name.startswith("C-"):
        return chr(ord(name[2].upper()) & 0x1F)
    if name.startswith("M-"):
        number = NAMED.get(name[2:]) or ord(name[2])
        return alt.format(number, chr(number))
    return key


# What xterm sends for a key with Alt to a program that asked for `modifyOtherKeys`, and
# what all terminals send otherwise.
ALT_AS_NUMBER = "\x1b[27;3;{0}~"
ALT_AS_ESCAPE = "\x1b{1}"


class Terminal:
    """A terminal with a program; `alt` is how it sends keys with Alt."""

    def __init__(
        self, command: list[str], cwd: Path, environment: dict[str, str], alt: str
    ) -> None:
        self.alt = alt
        self.screen, terminal = os.openpty()
        size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_SESSION, *command],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
            | environment,
        )
        os.close(terminal)
        self.output = b""
        # The program would stop if nothing read what it draws.
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        try:
            while chunk := os.read(self.screen, 65536):
                self.output = (self.output + chunk)[-100_000:]
        except OSError:  # Linux: no program has the terminal any more
            pass

    def type(self, keys: str) -> None:
        """Press keys, in Vim's notation: `o<Tab>`, `a <lt> b`."""
        pressed = re.findall(r"<[\w-]+(?:[]\[])?>|.", keys, re.DOTALL)
        codes = "".join(code_of(key, self.alt) for key in pressed)
        os.write(self.screen, codes.encode())

    def close(self) -> None:
        """Wait for the program, which was told to end."""
        try:
            self.process.wait(timeout=DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.reader.join()
            os.close(self.screen)
