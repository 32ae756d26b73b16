"""Which file of the workspace an import means, in the terms of each language."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from starcoder_lsp.context.index import Index
from starcoder_lsp.context.symbols import Import

# A package of so many files says little about any of them.
MAX_FILES = 16
# `tsconfig.json`, and `tsconfig.base.json` that it may extend.
ALIAS_FILES = ("tsconfig", "jsconfig")
JSON_EXTRAS = re.compile(
    r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL
)


@dataclass(frozen=True)
class Style:
    """One row of imports.toml; its comments say what each column means."""

    separator: str = "/"
    relative: str = ""
    suffixes: tuple[str, ...] = ()
    folder: tuple[str, ...] = ()
    prefix: bool = False
    symbol: bool = False
    exact: bool = False
    package: bool = False
    siblings: bool = False
    words: Mapping[str, str] = field(default_factory=dict)


@cache
def styles() -> Mapping[str, Style]:
    import tomllib

    rows = tomllib.loads(Path(__file__).with_name("imports.toml").read_text("utf-8"))
    return {name: _style(rows[row.get("like", name)]) for name, row in rows.items()}


def _style(row: Mapping[str, Any]) -> Style:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in row.items()
    }
    return Style(**values)


def imported_files(each: Import, path: str, language: str, index: Index) -> list[str]:
    """The files that an import in `path` may mean, the likeliest first.

    For an import of names these are besides the modules with such names.
    """
    style = styles().get(language)
    if style is None:
        return []
    found: dict[str, None] = {}
    for place in _places(each, path, style, index):
        for file in place.files(index, style):
            if file != path:
                found[file] = None
    return list(found)[:MAX_FILES]


@dataclass(frozen=True)
class _Place:
    """Parts of a path, as far as an import tells.

    `anchor` is the folder they start in, None where only the path's end is known.
    """

    parts: tuple[str, ...]
    anchor: str | None = None
    near: str = ""
    is_package: bool = False

    def files(self, index: Index, style: Style) -> list[str]:
        if self.is_package:
            return self._files_of_package(index, style)
        if self.anchor is not None:
            return self._files_there(index, style)
        return self._files_anywhere(index, style)

    def _files_there(self, index: Index, style: Style) -> list[str]:
        stem = posixpath.normpath(posixpath.join(self.anchor or "", *self.parts))
        stem = "" if stem == "." else stem
        names = [stem, *(stem + suffix for suffix in style.suffixes)]
        bare = posixpath.splitext(stem)[0]  # `./util.js` may mean util.ts
        names += [bare + suffix for suffix in style.suffixes]
        names += [
            posixpath.join(stem, name + suffix)
            for name in style.folder
            for suffix in style.suffixes
        ]
        return [name for name in dict.fromkeys(names) if index.has(name)][:1]

    def _files_anywhere(self, index: Index, style: Style) -> list[str]:
        if not self.parts:
            return []
        last = PurePosixPath(self.parts[-1]).name
        known = index.paths_of_module(last.split(".")[0] or last)
        ranked = [
            (matched, _closeness(file, self.near), file)
            for file in _only(style, known)
            if (matched := self._n_matched(file, style))
        ]
        best = max((rank[:2] for rank in ranked), default=(0, 0))
        return [file for *rank, file in ranked if tuple(rank) == best][:2]

    def _files_of_package(self, index: Index, style: Style) -> list[str]:
        """All files that declare the package, by its whole name or by its last part."""
        declared = index.paths_of_package(style.separator.join(self.parts))
        for file in () if declared else index.paths_of_package(self.parts[-1]):
            if PurePosixPath(file).parent.name == self.parts[-1]:
                declared.append(file)
        return _only(style, declared)

    def _n_matched(self, file: str, style: Style) -> int:
        """How many parts the end of the file's path agrees with; 0 for too few."""
        own = list(_module_parts(file, style))
        wanted = list(self.parts)
        if style.exact and PurePosixPath(file).name != PurePosixPath(wanted[-1]).name:
            return 0
        wanted[-1] = _without_suffix(wanted[-1], style)
        n = 0
        for ours, theirs in zip(reversed(own), reversed(wanted), strict=False):
            if ours.lower() != theirs.lower():
                break
            n += 1
        is_whole = n == len(wanted)
        if is_whole and (style.prefix or len(wanted) > 1 or len(own) <= 2):
            return n
        if is_whole:
            return n if posixpath.dirname(file) == posixpath.dirname(self.near) else 0
        return n if style.prefix and n >= min(2, len(wanted)) else 0


def _places(each: Import, path: str, style: Style, index: Index) -> Iterator[_Place]:
    """Where to look: first the names as modules, then the module itself."""
    module = each.module.strip("\"'<>")
    for base in _bases(module, path, style, index):
        for name in each.names if style.symbol else ():
            if name != "*":
                yield _Place((*base.parts, name), base.anchor, base.near)
        if base.parts or base.anchor is not None:
            yield base
        if style.package:
            yield _Place(base.parts, base.anchor, base.near, is_package=True)
        if style.symbol and len(base.parts) > 1 and style.relative != "dots":
            yield _Place(base.parts[:-1], base.anchor, base.near)


def _bases(module: str, path: str, style: Style, index: Index) -> Iterator[_Place]:
    folder = posixpath.dirname(path)
    if style.relative == "dots" and module.startswith("."):
        rest = module.lstrip(".")
        up = [".."] * (len(module) - len(rest) - 1)
        parts = tuple(rest.split(".")) if rest else ()
        yield _Place(parts, posixpath.normpath(posixpath.join(folder, *up)))
        return
    if module.startswith(("./", "../")) or module in (".", ".."):
        yield _Place((module,), folder)
        return
    parts = tuple(part for part in module.split(style.separator) if part)
    if parts and parts[0] in style.words:
        yield from _worded(parts, path, style)
        return
    for alias, target in _aliases(path, index, style):
        if module.startswith(alias):
            yield _Place((module[len(alias) :],), target)
    if style.separator == "/":
        yield _Place((module,), folder)
    yield _Place(parts, None, path)


def _worded(parts: Sequence[str], path: str, style: Style) -> Iterator[_Place]:
    """`crate::a`, `self::a` and `super::a`, as the file's own place explains them."""
    file = PurePosixPath(path)
    folder = file.parent if file.stem in style.folder else file.parent / file.stem
    rest = list(parts)
    if style.words[rest[0]] == "root":
        yield _Place(tuple(rest[1:]), None, path)
        yield _Place(tuple(rest[1:-1]), None, path)
        return
    while rest and rest[0] in style.words:
        if style.words[rest.pop(0)] == "above":
            folder = folder.parent
    for end in (len(rest), len(rest) - 1):
        if end >= 0:
            yield _Place(tuple(rest[:end]), str(folder))


def _aliases(path: str, index: Index, style: Style) -> Iterator[tuple[str, str]]:
    """`paths` of each tsconfig above a file, as beginnings and what they stand for."""
    if ".ts" not in style.suffixes:
        return
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


def _only(style: Style, files: Sequence[str]) -> list[str]:
    return [file for file in files if file.endswith(style.suffixes)]


def _module_parts(file: str, style: Style) -> tuple[str, ...]:
    parts = PurePosixPath(file).parts
    stem = _without_suffix(parts[-1], style)
    return parts[:-1] if stem in style.folder else (*parts[:-1], stem)


def _without_suffix(name: str, style: Style) -> str:
    for suffix in sorted(style.suffixes, key=len, reverse=True):
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def _closeness(file: str, near: str) -> int:
    """How many folders two paths share from the top, less those they do not."""
    ours, theirs = PurePosixPath(file).parts[:-1], PurePosixPath(near).parts[:-1]
    shared = len(posixpath.commonprefix([ours, theirs]))
    return 2 * shared - len(ours)
