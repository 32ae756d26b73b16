"""Resolves imports to files of the workspace, by the rules of each language."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from starcoder_lsp.context.index.reader import MAX_FOLDER, Index
from starcoder_lsp.context.resolve.aliases import aliases
from starcoder_lsp.context.resolve.packages import package_paths
from starcoder_lsp.context.symbols import Import

# A package with more files than this says little about each of them.
MAX_FILES = 16
SOURCE_FOLDERS = frozenset(("src", "lib", "python"))


@dataclass(frozen=True)
class ImportStyle:
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
    folders: bool = False
    manifest: str = ""
    unshared: tuple[str, ...] = ()
    aliases: bool = False
    passes_on: bool = False
    words: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def suffixes_longest_first(self) -> tuple[str, ...]:
        return tuple(sorted(self.suffixes, key=len, reverse=True))


@cache
def styles() -> Mapping[str, ImportStyle]:
    import tomllib

    rows = tomllib.loads(Path(__file__).with_name("imports.toml").read_text("utf-8"))
    return {name: _style(rows[row.get("like", name)]) for name, row in rows.items()}


def _style(row: Mapping[str, Any]) -> ImportStyle:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in row.items()
    }
    return ImportStyle(**values)


def imported_files(
    index: Index, each: Import, path: str, language: str
) -> Sequence[str]:
    """Return the files that an import in `path` may mean, the likeliest first.

    For an import of names, these include modules of such names.
    """
    style = styles().get(language)
    if style is None:
        return []
    for base in _packaged(each, path, style, index):
        if found := _files((base,), each, path, style, index):
            return found
    return _files(_bases(_module(each), path, style, index), each, path, style, index)


def _files(
    bases: Iterable[_Place], each: Import, path: str, style: ImportStyle, index: Index
) -> list[str]:
    found = {
        file: None
        for base in bases
        for place in _places(base, each, style)
        for file in place.files(index, style)
        if file != path
    }
    return list(found)[:MAX_FILES]


def _module(each: Import) -> str:
    return each.module.strip("\"'<>")


@dataclass(frozen=True)
class _Place:
    """Parts of a path, as far as an import tells.

    `anchor` is the folder they start in; None if only the end of the path is known.
    """

    parts: tuple[str, ...]
    anchor: str | None = None
    near: str = ""
    is_package: bool = False

    def files(self, index: Index, style: ImportStyle) -> list[str]:
        if self.is_package:
            return self._files_of_package(index, style)
        if self.anchor is not None:
            return self._files_there(index, style)
        return self._files_anywhere(index, style)

    def _files_there(self, index: Index, style: ImportStyle) -> list[str]:
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
        found = index.first_of(*dict.fromkeys(names))
        return [found] if found else []

    def _files_anywhere(self, index: Index, style: ImportStyle) -> list[str]:
        if not self.parts:
            return []
        last = posixpath.basename(self.parts[-1])
        known = index.paths_of_module(last.split(".")[0] or last)
        ranked = [
            (matched, _closeness(file, self.near), file)
            for file in _only(style, known)
            if (matched := self._n_matched(file, style))
        ]
        best = max((rank[:2] for rank in ranked), default=(0, 0))
        return [file for *rank, file in ranked if tuple(rank) == best][:2]

    def _files_of_package(self, index: Index, style: ImportStyle) -> list[str]:
        """Return the files of its folder, or else all that declare it, by name or last part."""
        if self.anchor is not None:
            folder = posixpath.normpath(posixpath.join(self.anchor, *self.parts))
            folder = "" if folder == "." else folder
            return _only(style, index.paths_in_folder(folder, MAX_FOLDER))
        if declared := index.paths_of_package(style.separator.join(self.parts)):
            return _only(style, declared)
        called_so = index.paths_of_package(self.parts[-1])
        return [
            file
            for file in _only(style, called_so)
            if file.split("/")[-2:-1] == [self.parts[-1]]
        ]

    def _n_matched(self, file: str, style: ImportStyle) -> int:
        """Return how many parts at the end of the file's path agree; 0 if too few."""
        own = _module_parts(file, style)
        wanted = list(self.parts)
        if style.exact and posixpath.basename(file) != posixpath.basename(wanted[-1]):
            return 0
        wanted[-1] = _without_suffix(wanted[-1], style)
        n = 0
        for ours, theirs in zip(reversed(own), reversed(wanted), strict=False):
            if ours.lower() != theirs.lower():
                break
            n += 1
        is_whole = n == len(wanted)
        if is_whole and (style.prefix or len(wanted) > 1 or _begins_here(own)):
            return n
        if is_whole:
            return n if posixpath.dirname(file) == posixpath.dirname(self.near) else 0
        return n if style.prefix and n >= min(2, len(wanted)) else 0


def _places(base: _Place, each: Import, style: ImportStyle) -> Iterator[_Place]:
    """Yield where to look: first the names as modules, then the module itself."""
    for name in each.names if style.symbol else ():
        if name != "*":
            yield _Place((*base.parts, name), base.anchor, base.near)
    if not style.folders and (base.parts or base.anchor is not None):
        yield base
    if style.package:
        yield _Place(base.parts, base.anchor, base.near, is_package=True)
    if style.symbol and len(base.parts) > 1 and style.relative != "dots":
        yield _Place(base.parts[:-1], base.anchor, base.near)


def _packaged(
    each: Import, path: str, style: ImportStyle, index: Index
) -> Iterator[_Place]:
    module = _module(each)
    first = module.split(style.separator)[0]
    if style.manifest and not module.startswith(".") and first not in style.words:
        for folder, parts in package_paths(
            module, style.separator, style.manifest, path, index
        ):
            yield _Place(parts, folder, path)


def _bases(
    module: str, path: str, style: ImportStyle, index: Index
) -> Iterator[_Place]:
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
    for alias, target in aliases(path, index) if style.aliases else ():
        if module.startswith(alias):
            yield _Place((module[len(alias) :],), target)
    if style.separator == "/":
        yield _Place((module,), folder)
    yield _Place(parts, None, path)


def _worded(parts: Sequence[str], path: str, style: ImportStyle) -> Iterator[_Place]:
    """Resolve `crate::a`, `self::a` and `super::a` by the place of the file."""
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


def _only(style: ImportStyle, files: Sequence[str]) -> list[str]:
    return [
        file
        for file in files
        if file.endswith(style.suffixes) and not file.endswith(style.unshared)
    ]


def _module_parts(file: str, style: ImportStyle) -> list[str]:
    *folders, name = file.split("/")
    stem = _without_suffix(name, style)
    return folders if stem in style.folder else [*folders, stem]


def _begins_here(parts: Sequence[str]) -> bool:
    """Return whether imports begin at the last part: near the top, or in a project folder.

    >>> _begins_here(("a", "src", "shop")), _begins_here(("a", "my-shop", "my_shop"))
    (True, True)
    """
    if len(parts) <= 2:
        return True
    above, name = parts[-2:]
    return above in SOURCE_FOLDERS or above.replace("-", "_") == name


def _without_suffix(name: str, style: ImportStyle) -> str:
    for suffix in style.suffixes_longest_first:
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def _closeness(file: str, near: str) -> int:
    """Return the number of folders that two paths share, minus those they do not."""
    ours, theirs = file.split("/")[:-1], near.split("/")[:-1]
    shared = len(posixpath.commonprefix([ours, theirs]))
    return 2 * shared - len(ours)
