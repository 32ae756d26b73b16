"""Finds packages of the workspace by the names in their manifests."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from starcoder_lsp.context.index.reader import FOLDER_FILES, Index

# Up to this many manifests are all read; of more, only those in folders whose name
# resembles the package's.
FEW = 4
MAX_CHARACTERS = 200_000
MAX_PARTS = 6
# Folders of built files, and the folders that hold their source.
BUILT = frozenset(("dist", "build", "out", "lib", "es", "esm", "cjs", "umd", "types"))
SOURCE = "src"
SCRIPT_ENDING = re.compile(r"(\.d)?\.[cm]?[jt]sx?$")
# Conditions of `exports` and `imports`, the most likely to name the source first.
CONDITIONS = ("source", "types", "typings", "import", "module", "default", "require")

Targets = tuple[str, ...]


@dataclass(frozen=True)
class Package:
    """A manifest: `entries` are names below the package and their files.

    A `*` stands for the same text in both. Other names are paths below one of `homes`.
    """

    name: str = ""
    homes: tuple[str, ...] = ("",)
    entries: tuple[tuple[str, Targets], ...] = ()


def package_paths(
    module: str, separator: str, manifest: str, path: str, index: Index
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield folders, and paths below them, where a module of a workspace package may be.

    The likeliest comes first; nothing if no package has such a name.
    """
    owned = [
        (len(package.name), -_distance(file, path), file, package)
        for file in _manifests(module, separator, manifest, path, index)
        if (package := _read(manifest, index.text(file))).name
        and f"{module}{separator}".startswith(package.name + separator)
    ]
    if not owned:
        return
    *_, file, package = max(owned, key=lambda each: each[:3])
    rest = [part for part in module[len(package.name) :].split(separator) if part]
    for target in _targets(package, "/".join(rest)):
        yield posixpath.dirname(file), (target,)
    for home in package.homes:
        yield posixpath.dirname(file), (home, *rest)


def _manifests(
    module: str, separator: str, manifest: str, path: str, index: Index
) -> list[str]:
    folders = _folder_names(module, separator)
    stem = manifest.partition(".")[0].lower()
    names = (stem, *folders) if stem in FOLDER_FILES else (stem,)
    ending = f"/{manifest}"
    found = [
        file
        for name in names
        for file in index.paths_of_module(name)
        if file.endswith(ending) or file == manifest
    ]
    if len(found) <= FEW:
        return found
    return [file for file in dict.fromkeys(found) if _may_hold(file, folders, path)]


def _may_hold(file: str, names: Collection[str], path: str) -> bool:
    """Return whether a manifest stands above `path`, or in a folder of one of the names."""
    folder = file.rpartition("/")[0]
    is_above = not folder or path.startswith(f"{folder}/")
    return is_above or _plain(folder.rpartition("/")[2]) in names


@lru_cache(maxsize=512)
def _folder_names(module: str, separator: str) -> tuple[str, ...]:
    """Return names that the folder of a module's package may have.

    >>> _folder_names("@acme/ui-kit", "/")
    ('acme', 'ui-kit', 'kit', 'ui', 'acme-ui-kit')
    """
    parts = [_plain(part) for part in module.split(separator)[:MAX_PARTS]]
    names: dict[str, None] = {}
    for part in parts:
        words = part.split("-")
        names |= dict.fromkeys("-".join(words[i:]) for i in range(len(words)))
        names |= dict.fromkeys("-".join(words[:i]) for i in range(1, len(words)))
    names["-".join(parts[:2])] = None
    return tuple(name for name in names if name)


def _plain(name: str) -> str:
    return name.lstrip("@").replace("_", "-").lower()


def _distance(file: str, near: str) -> int:
    """Return the number of folders up from `near` and down to `file`."""
    return len(posixpath.relpath(file, posixpath.dirname(near) or ".").split("/"))


def _targets(package: Package, name: str) -> Iterator[str]:
    """Yield the files that a package names for `name`, and their sources."""
    for pattern, targets in package.entries:
        before, star, after = pattern.partition("*")
        is_meant = (
            name.startswith(before) and name.endswith(after)
            if star
            else name == pattern
        )
        if is_meant:
            middle = name[len(before) : len(name) - len(after)]
            for target in targets:
                yield from _sources(target.replace("*", middle))


def _sources(target: str) -> Iterator[str]:
    """Yield a file that a package offers, and the sources it may be built from.

    >>> list(_sources("./dist/esm/index.d.ts"))
    ['./dist/esm/index.d.ts', 'src/index', 'index']
    """
    yield target
    parts = posixpath.normpath(SCRIPT_ENDING.sub("", target)).split("/")
    while len(parts) > 1 and parts[0] in BUILT:
        parts.pop(0)
    yield posixpath.join(SOURCE, *parts)
    yield posixpath.join(*parts)


@lru_cache(maxsize=256)
def _read(manifest: str, text: str) -> Package:
    """Parse a manifest; one that cannot be read is a package without a name."""
    try:
        return READERS[manifest](text) if len(text) <= MAX_CHARACTERS else Package()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Package()


def _node_package(text: str) -> Package:
    read = json.loads(text)
    exports = read.get("exports", {})
    if not isinstance(exports, dict) or not any(key[:1] == "." for key in exports):
        exports = {".": exports}
    entries = {
        key.removeprefix(".").lstrip("/"): tuple(files_in(value))
        for key, value in exports.items()
    }
    main = files_in({key: read.get(key) for key in (*CONDITIONS, "main")})
    entries[""] = (*entries.get("", ()), *main)
    # Exact names come before patterns, longer patterns before shorter ones.
    ordered = sorted(entries.items(), key=lambda each: ("*" in each[0], -len(each[0])))
    return Package(str(read["name"]), (SOURCE, ""), tuple(ordered))


def files_in(value: Any) -> Iterator[str]:
    """Yield all files in an entry of `exports` or `imports`, under any condition."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from files_in(each)
    elif isinstance(value, dict):
        rest = [key for key in value if key not in CONDITIONS]
        for key in (*CONDITIONS, *rest):
            yield from files_in(value.get(key))


def _go_module(text: str) -> Package:
    found = re.search(r'^module\s+"?([^\s"]+)', text, re.MULTILINE)
    return Package(found[1]) if found else Package()


def _rust_crate(text: str) -> Package:
    import tomllib

    read = tomllib.loads(text)
    library = read.get("lib", {})
    name = library.get("name") or read["package"]["name"]
    home = posixpath.dirname(library.get("path", f"{SOURCE}/lib.rs"))
    return Package(name.replace("-", "_"), (home,))


READERS: Mapping[str, Callable[[str], Package]] = {
    "package.json": _node_package,
    "go.mod": _go_module,
    "Cargo.toml": _rust_crate,
}
