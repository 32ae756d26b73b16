"""Editing traces: the document and the cursor after each keystroke."""

from __future__ import annotations

import argparse
import inspect
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE_LINES = 1000
STATEMENT = "    result = self._get_formatter(width)"
BODY = """\
    total = 0
    for action in self._actions:
        if action.help is not None:
            total += len(action.option_strings)
    return total
"""


@dataclass(frozen=True)
class State:
    """A document and the cursor in it after one keystroke."""

    file: str
    before: str
    after: str

    @property
    def position(self) -> dict[str, int]:
        return place(self.before, len(self.before))

    def typed(self, text: str) -> State:
        return State(self.file, self.before + text, self.after)

    def edit_from(self, older: State) -> tuple[dict[str, Any], str]:
        """Return the range of the older text that one small edit replaces, and the new text."""
        old, new = older.before + older.after, self.before + self.after
        start = n_common(old, new)
        tail = n_common(old[start:][::-1], new[start:][::-1])
        where = {"start": place(old, start), "end": place(old, len(old) - tail)}
        return where, new[start : len(new) - tail]


def n_common(one: str, two: str) -> int:
    pairs = enumerate(zip(one, two, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(two)))


def place(text: str, offset: int) -> dict[str, int]:
    start = text.rfind("\n", 0, offset) + 1
    return {"line": text.count("\n", 0, offset), "character": offset - start}


def source(module: Any, n_lines: int = FILE_LINES) -> list[str]:
    """Return the lines of a real module, repeated until there are `n_lines`."""
    lines = Path(inspect.getfile(module)).read_text("utf-8").splitlines(keepends=True)
    return (lines * (n_lines // len(lines) + 1))[:n_lines]


def typed(
    file: str, lines: list[str], at: int, text: str, n_first: int = 1
) -> Iterator[State]:
    """Yield the states while `text` is typed on new lines before line `at`."""
    before, after = "".join(lines[:at]), "\n" + "".join(lines[at:])
    for n in range(n_first, len(text) + 1):
        yield State(file, before + text[:n], after)


def traces() -> dict[str, list[State]]:
    """Return the traces; the first state of each is not measured, it opens the file."""
    one, two = source(argparse), source(subprocess)
    half = FILE_LINES // 2
    line = list(typed("one.py", one, half, STATEMENT))
    accepted = [*one[:half], STATEMENT + "\n"]
    above = [*one[: half - 30], "    done = 1\n", *one[half - 30 :]]
    jumps = [
        state
        for pair in zip(
            typed("one.py", one, half, STATEMENT[:14], 9),
            typed("two.py", two, half, STATEMENT[:14], 9),
            strict=True,
        )
        for state in pair
    ]
    return {
        "typing on one line": line,
        "typing a function body": list(typed("one.py", one, half, BODY.rstrip()))[::5],
        "accepting and going on": [
            line[9],
            *typed("one.py", [*accepted, *one[half:]], half + 1, "    return"),
        ],
        "jumping between two files": jumps,
        "deleting back": line[-1:-12:-1],
        "editing 30 lines above": [
            *typed("one.py", one, half - 30, "    done = 1"),
            *typed("one.py", above, half + 1, STATEMENT[:12]),
        ],
    }


def abandoned() -> Iterator[State]:
    """Yield the states of fast typing at a place that no other trace visits."""
    lines = source(argparse)
    at = FILE_LINES // 2 + 40
    return typed("one.py", lines, at, "    return self._registry", n_first=9)
