"""Answers what is asked of the index for one place in one open document."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starcoder_lsp.context import Gathered
from starcoder_lsp.context.documents import OpenDocument, OpenDocuments
from starcoder_lsp.context.folder import Folder
from starcoder_lsp.context.gather import gather
from starcoder_lsp.context.index import Index
from starcoder_lsp.context.recent import RecentEdits
from starcoder_lsp.context.redact import redact
from starcoder_lsp.context.scene import Scene
from starcoder_lsp.flow import Snippet

MAX_CELL_CHARACTERS = 16_000


def gathered(
    document: OpenDocument,
    request: Mapping[str, Any],
    folder: Folder,
    documents: OpenDocuments,
    edits: RecentEdits,
) -> Gathered:
    scene = _scene(document, request, documents)
    budget = request["budget"]

    def search(index: Index) -> tuple[Snippet, ...]:
        return document.sticky.settle(
            lambda: gather(scene, index, budget, edits=edits),
            lambda path: not path or index.has(path),
            budget_characters=budget,
            line=scene.line,
            chosen=scene.chosen_name,
            now_s=time.monotonic(),
        )

    nothing: tuple[Snippet, ...] = ()
    snippets = folder.look_up(search, nothing)
    return Gathered(snippets, document.relative, Path(document.root).name)


def _scene(
    document: OpenDocument, request: Mapping[str, Any], documents: OpenDocuments
) -> Scene:
    shown_from, shown_to = request["shown"]
    return Scene(
        document.relative,
        document.text,
        min(request["offset"], len(document.text)),
        document.symbols,
        shown_from,
        shown_to,
        open_paths=_other_paths(document, documents),
        cells=_other_cells(document, documents),
        chosen=request["chosen"],
    )


def _other_paths(document: OpenDocument, documents: OpenDocuments) -> list[str]:
    """The other open files of its folder, the one seen last first."""
    rank = {uri: i for i, uri in enumerate(documents.visited)}
    others = [
        one
        for one in documents.all()
        if one.is_admitted and one.root == document.root and one is not document
    ]
    others.sort(key=lambda one: rank.get(one.uri, len(rank)))
    return [one.relative for one in others]


def _other_cells(document: OpenDocument, documents: OpenDocuments) -> list[str]:
    notebook, mark, _cell = document.uri.partition("#")
    if not mark:
        return []
    return [
        redact(one.text[:MAX_CELL_CHARACTERS])
        for one in documents.all()
        if one.uri.startswith(f"{notebook}#") and one is not document
    ]
