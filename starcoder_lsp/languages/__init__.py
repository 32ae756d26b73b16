"""The table of languages: their files, comments, blocks, grammars and queries."""

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
PATTERNS = (
    "first_line",
    "opens",
    "closes",
    "floats",
    "between",
    "exported",
    "hidden",
    "routine",
)


@dataclass(frozen=True, eq=False)
class Language:
    """A row of languages.toml, whose comments explain the columns."""

    files: tuple[str, ...]
    opens: re.Pattern[str]
    closes: re.Pattern[str]
    ids: tuple[str, ...] = ()
    first_line: re.Pattern[str] = NOTHING
    floats: re.Pattern[str] = NOTHING
    allman: bool = False
    comment: str = ""
    block_comment: tuple[str, str] = ("", "")
    quotes: str = ""
    indent: str = ""
    grammar: str = ""
    queries: tuple[str, ...] = ()
    docstring: bool = False
    clauses: bool = False
    routine: re.Pattern[str] = NOTHING
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
    """Return the row of a language id, or the default row for an unknown id."""
    return languages().get(language_id(name)) or languages()[DEFAULT]


def language_id(name: str) -> str:
    """Return our language id for one of an editor's; unknown ids stay as they are.

    >>> language_id("sh"), language_id("python"), language_id("klingon")
    ('shellscript', 'python', 'klingon')
    """
    return _by_id().get(name, name)


def language_of(file: Path, first_line: str = "") -> str:
    """Return the language id of a file, or `plaintext`.

    The file's whole name, its extension and its first line tell the language.

    >>> language_of(Path("src/main.rs")), language_of(Path("Dockerfile.dev"))
    ('rust', 'dockerfile')
    >>> language_of(Path("deploy"), "#!/usr/bin/env python3")
    'python'
    """
    by_file = _by_file()
    keys = (file.name, file.suffix.lower(), file.stem)
    named = next((by_file[key] for key in keys if key in by_file), ())
    among = named if len(named) != 1 else ()
    for name in among or (languages() if first_line and not named else ()):
        if languages()[name].first_line.search(first_line):
            return name
    # Of several with the same extension, prefer one that needs no special first line.
    unmarked = (one for one in named if languages()[one].first_line is NOTHING)
    return next(iter((*unmarked, *named)), "plaintext")


@cache
def _by_id() -> Mapping[str, str]:
    return {other: name for name, row in languages().items() for other in row.ids}


@cache
def _by_file() -> Mapping[str, tuple[str, ...]]:
    """Return the languages of each file name or extension, the preferred one first."""
    names: dict[str, tuple[str, ...]] = {}
    for name, row in languages().items():
        for file in row.files:
            names[file] = (*names.get(file, ()), name)
    return names
