"""Reads a session of typing that `record.lua` has recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """A piece of the text, and the keys that type it, with corrected mistakes."""

    text: str
    keys: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Session:
    """The text around the cursor, and the steps that write something there."""

    above: str
    below: str
    steps: list[Step]


def session(file: Path) -> Session:
    around, *rows = [json.loads(line) for line in file.open(encoding="utf-8")]
    return Session(around["above"], around["below"], steps_of(rows))


def steps_of(rows: Sequence[tuple[int, str]]) -> list[Step]:
    """Group each key that stays with the deleted keys before it.

    >>> [step.text for step in steps_of([(1, "a"), (1, "x"), (1, "y"), (1, "back"),
    ...                                  (1, "back"), (1, "look"), (1, "b")])]
    ['a', '', 'b']
    """
    standing: list[int] = []
    for n, (_, key) in enumerate(rows):
        if key == "back":
            standing = standing[:-1]
        elif key != "look":
            standing.append(n)
    lasting, steps, keys, n_wrong = set(standing), [], [], 0
    for n, (gap_ms, key) in enumerate(rows):
        keys.append((gap_ms, key))
        if key == "back":
            n_wrong -= 1
        elif key != "look" and n not in lasting:
            n_wrong += 1
        elif not n_wrong:
            steps.append(Step("" if key == "look" else key, tuple(keys)))
            keys = []
    return steps
