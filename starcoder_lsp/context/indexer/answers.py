"""Answers what is asked of the index for one place in one open document."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import PurePath
from typing import Any

from starcoder_lsp.context import Gathered
from starcoder_lsp.context.index.folder import Folder
from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.indexer.cells import cells_around
from starcoder_lsp.context.indexer.open_documents import IndexedDocument, OpenDocuments
from starcoder_lsp.context.retrieve.gather import Memory, gather
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.flow import Snippet


def gathered(
    document: IndexedDocument,
    request: Mapping[str, Any],
    folder: Folder | None,
    documents: OpenDocuments,
    memories: Mapping[str, Memory],
) -> Gathered:
    """Snippets of `folder`, if the document is in one, and the cells of its notebook."""
    notebook = documents.notebook_of(document)
    cells = cells_around(document, notebook, request["budget"])
    if folder is None:
        file = PurePath(document.path or "") if cells else PurePath()
        return Gathered(path=file.name, repository=file.parent.name, cells=cells)
    scene = _scene(document, request, documents, [cell.text for cell in cells])
    budget = request["budget"] - sum(len(cell.text) for cell in cells)

    def search(index: Index) -> tuple[Snippet, ...]:
        return document.sticky.settle(
            lambda: gather(scene, index, budget, memories=memories),
            lambda path: not path or index.has(path),
            budget_characters=budget,
            line=scene.line,
            chosen=scene.chosen_name,
            now_s=time.monotonic(),
        )

    nothing: tuple[Snippet, ...] = ()
    snippets = folder.look_up(search, nothing)
    return Gathered(snippets, document.relative, PurePath(document.root).name, cells)


def _scene(
    document: IndexedDocument,
    request: Mapping[str, Any],
    documents: OpenDocuments,
    cells: Sequence[str],
) -> Scene:
    shown_from, shown_to = request["shown"]
    # What one cell imports is known in all of them.
    together = documents.notebook_of(document) or [document]
    imports = tuple(chain.from_iterable(one.symbols.imports for one in together))
    return Scene(
        document.relative,
        document.text,
        min(request["offset"], len(document.text)),
        replace(document.symbols, imports=imports),
        shown_from,
        shown_to,
        open_paths=_other_paths(document, documents),
        cells=cells,
        chosen=request["chosen"],
    )


def _other_paths(document: IndexedDocument, documents: OpenDocuments) -> list[str]:
    """The other open files of its folder, the one seen last first."""
    rank = {uri: i for i, uri in enumerate(documents.visited)}
    others = [
        one
        for one in documents.all()
        if one.is_admitted and one.root == document.root and one is not document
    ]
    others.sort(key=lambda one: rank.get(one.uri, len(rank)))
    return [one.relative for one in others]
