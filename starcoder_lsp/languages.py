"""Language ids of files that no editor has opened, as the specification spells them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path


@cache
def _by_name() -> dict[str, str]:
    table = tomllib.loads(Path(__file__).with_name("languages.toml").read_text("utf-8"))
    return {name: language for language, names in table.items() for name in names}


def language_of(file: Path) -> str:
    """By the whole name, then by the extension; `plaintext` for everything else.

    >>> language_of(Path("src/main.rs")), language_of(Path("Makefile"))
    ('rust', 'makefile')
    """
    names = _by_name()
    return names.get(file.name) or names.get(file.suffix.lower()) or "plaintext"
