"""Names that a project's own configuration gives to its folders."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

from starcoder_lsp.context.index import Index

# `tsconfig.json`, and `tsconfig.base.json` that it may extend.
ALIAS_FILES = ("tsconfig", "jsconfig")
JSON_EXTRAS = re.compile(
    r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL
)


def aliases(path: str, index: Index) -> Iterator[tuple[str, str]]:
    """`paths` of each tsconfig above a file, as beginnings and what they stand for."""
    configs = [config for name in ALIAS_FILES for config in index.paths_of_module(name)]
    for config in sorted(configs, key=len, reverse=True):
        folder = posixpath.dirname(config)
        if folder and not path.startswith(f"{folder}/"):
            continue
        for alias, target in _read_aliases(index.text(config)):
            yield alias, posixpath.join(folder, target)


@lru_cache(maxsize=64)
def _read_aliases(text: str) -> tuple[tuple[str, str], ...]:
    try:
        options = json.loads(JSON_EXTRAS.sub(r"\1", text))["compilerOptions"]
        base = options.get("baseUrl", ".")
        return tuple(
            (alias.rstrip("*"), posixpath.join(base, targets[0].rstrip("*")))
            for alias, targets in options["paths"].items()
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return ()
