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
ANYTHING = re.compile("")
PATTERNS = ("opens", "closes", "floats", "between", "exported", "hidden")


@dataclass(frozen=True)
class Language:
    """One row of languages.toml; its comments say what each column means."""

    files: tuple[str, ...]
    opens: re.Pattern[str]
    closes: re.Pattern[str]
    floats: re.Pattern[str] = NOTHING
    allman: bool = False
    comment: str = ""
    block_comment: tuple[str, str] = ("", "")
    grammar: str = ""
    queries: tuple[str, ...] = ()
    docstring: bool = False
    between: re.Pattern[str] = NOTHING
    exported: re.Pattern[str] = ANYTHING
    hidden: re.Pattern[str] = NOTHING


@cache
def languages() -> Mapping[str, Language]:
    import tomllib  # not before the reply to initialize

    rows = tomllib.loads(Path(__file__).with_name("languages.toml").read_text("utf-8"))
    default = rows[DEFAULT]
    return {name: _language({**default, **row}) for name, row in rows.items()}


def _language(row: Mapping[str, Any]) -> Language:
    columns: dict[str, Any] = {key: _value(key, row[key]) for key in row}
    return Language(**columns)


def _value(column: str, written: Any) -> Any:
    if column in PATTERNS:
        return re.compile(written)
    return tuple(written) if isinstance(written, list) else written


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
