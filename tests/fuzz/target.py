"""A target, a failure, and the two directions between a case and its file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

# Bytes, or a value of JSON.
Case = Any

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Target:
    """Code under test that reads input of others.

    `make` returns a random case. `check` raises for a case that is not handled as it
    should be, and returns how many inputs the case held, such as messages of a session.
    No case may take more than `cpu_s` seconds of computing.
    """

    make: Callable[[Random], Case]
    check: Callable[[Case], int]
    cpu_s: float = 10.0


def write_case(folder: Path, case: Case) -> Path:
    """Write a case to a file that is named by its content."""
    is_bytes = isinstance(case, bytes)
    raw = case if is_bytes else json.dumps(case, indent=1).encode() + b"\n"
    name = hashlib.sha256(raw).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.{'bin' if is_bytes else 'json'}"
    file.write_bytes(raw)
    return file


def read_case(file: Path) -> Case:
    raw = file.read_bytes()
    return raw if file.suffix == ".bin" else json.loads(raw)
