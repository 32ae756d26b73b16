"""Reads names that a project's configuration gives to its folders."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.resolve.packages import files_in

# `tsconfig.json`, and `tsconfig.base.json`, which it may extend.
ALIAS_FILES = ("tsconfig", "jsconfig")
JSON_EXTRAS = re.compile(
    r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL
)


PACKAGE_FILE = "package.json"


def aliases(path: str, index: Index) -> Iterator[tuple[str, str]]:
    """Return prefixes of module names and the paths that they stand for.

    They come from `paths` of each tsconfig above a file, and from `imports` of the
    nearest package.json.
    """
    folders = path.split("/")[:-1]
    above = ["/".join(folders[:n]) for n in range(len(folders), -1, -1)]
    package = index.first_of(*(posixpath.join(each, PACKAGE_FILE) for each in above))
    if package is not None:
        for alias, target in _read_imports(index.text(package)):
            yield alias, posixpath.join(posixpath.dirname(package), target)
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


@lru_cache(maxsize=64)
def _read_imports(text: str) -> tuple[tuple[str, str], ...]:
    """Read the names that a package.json gives to its own files, up to a `*`.

    >>> _read_imports('{"imports": {"#lib/*": {"default": "./src/*.js"}, "#x": "lodash"}}')
    (('#lib/', './src/'),)
    """
    try:
        entries = json.loads(text).get("imports", {}).items()
        return tuple(
            (alias.partition("*")[0], targets[0].partition("*")[0])
            for alias, entry in entries
            if (targets := [one for one in files_in(entry) if one[:2] == "./"])
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ()
