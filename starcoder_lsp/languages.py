"""What is known of each language: its files, and how its blocks begin and end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DEFAULT = "default"
NOTHING = re.compile("(?!)")


@dataclass(frozen=True)
class Language:
    """One row of languages.toml; its comments say what each column means."""

    files: tuple[str, ...]
    opens: re.Pattern[str]
    closes: re.Pattern[str]
    floats: re.Pattern[str] = NOTHING
    allman: bool = False


@cache
def languages() -> Mapping[str, Language]:
    import tomllib  # not before the reply to initialize

    rows = tomllib.loads(Path(__file__).with_name("languages.toml").read_text("utf-8"))
    default = rows[DEFAULT]
    return {name: _language({**default, **row}) for name, row in rows.items()}


def _language(row: Mapping[str, Any]) -> Language:
    return Language(
        tuple(row["files"]),
        re.compile(row["opens"]),
        re.compile(row["closes"]),
        re.compile(row["floats"]) if "floats" in row else NOTHING,
        row.get("allman", False),
    )


def language(name: str) -> Language:
    """The row of a language id; ids that nobody knows have the default's."""
    return languages().get(name) or languages()[DEFAULT]


def language_of(file: Path) -> str:
    """By the whole name, then by the extension; `plaintext` for everything else.

    >>> language_of(Path("src/main.rs")), language_of(Path("Makefile"))
    ('rust', 'makefile')
    """
    names = _by_file()
    return names.get(file.name) or names.get(file.suffix.lower()) or "plaintext"


@cache
def _by_file() -> Mapping[str, str]:
    return {file: name for name, row in languages().items() for file in row.files}
