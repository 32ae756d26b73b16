"""Proposes outlines of files that belong together: tests, and files of the same package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.resolve.imports import styles
from starcoder_lsp.context.retrieve.definitions import SHORT_SIGNATURE, signature_line
from starcoder_lsp.context.retrieve.excerpts import Excerpt, LazyLines
from starcoder_lsp.context.retrieve.name_resolution import TYPES
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.symbols import Definition, Symbols

# test_x, x_test, x.spec, XTest, XTests, XSpec
TEST_MARK = re.compile(
    r"^tests?[_-]|[_.-](?:tests?|spec|specs)$|(?<=[a-z0-9])(?:Tests?|Spec|IT)$"
)
MAX_SIBLINGS = 12
COUNTERPART = 1.0
SIBLING = 0.6


def counterparts(scene: Scene, index: Index) -> list[Excerpt]:
    """Return an outline of the implementation of this test, or the test of this file."""
    name = PurePosixPath(scene.path).name.rsplit(".", 1)[0]
    tested = TEST_MARK.sub("", name)
    names = [tested] if tested != name else _test_names(name)
    paths = [path for each in names for path in index.paths_of_module(each)]
    return [
        piece
        for path in dict.fromkeys(paths)
        if path != scene.path and _suffix(path) == _suffix(scene.path)
        for piece in _outline(
            path, index, "counterpart", f"belongs to {name}", COUNTERPART
        )
    ]


def siblings(scene: Scene, index: Index) -> list[Excerpt]:
    """Return definitions in other files of the package, for languages that need no import."""
    style = styles().get(scene.language)
    if style is None or not style.siblings:
        return []
    folder = scene.path.rpartition("/")[0]
    nearby = index.paths_in_folder(folder, 4 * MAX_SIBLINGS)
    same = [path for path in nearby if path.endswith(style.suffixes)]
    if scene.symbols.package:
        declared = index.paths_of_package(scene.symbols.package)
        same = [path for path in declared if path in set(same)] or same
    others = [path for path in same if path != scene.path]
    return [
        piece
        for path in others[:MAX_SIBLINGS]
        for piece in _outline(path, index, "siblings", "in the same package", SIBLING)
    ]


def _test_names(name: str) -> Iterator[str]:
    yield from (
        f"test_{name}",
        f"{name}_test",
        f"{name}Test",
        f"{name}Tests",
        f"{name}Spec",
    )


def _outline(
    path: str, index: Index, source: str, why: str, score: float
) -> Iterator[Excerpt]:
    """Return signatures of top-level definitions first, then of members."""
    symbols = index.symbols(path) or Symbols("")
    top = [each for each in symbols.definitions if not each.container]
    types = {each.name for each in top if each.kind in TYPES}
    inner = [each for each in symbols.definitions if each.container in types]
    for definitions, worth in ((top, score), (inner, score / 2)):
        if definitions:
            yield Excerpt(path, _signatures(definitions), source, why, worth)


def _signatures(definitions: Sequence[Definition]) -> LazyLines:
    return LazyLines(
        lambda: (signature_line(one, SHORT_SIGNATURE) for one in definitions)
    )


def _suffix(path: str) -> str:
    return path.rpartition(".")[2]
