"""Notebooks of a client that tells of them: their cells are documents in an order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from starcoder_lsp.lsp.server import Server

# All cells of all notebooks.
SYNC = types.NotebookDocumentSyncOptions(
    [types.NotebookDocumentFilterWithNotebook(notebook="*")]
)


class Notebooks:
    """The open notebooks, and the cells of each by URI, in their order."""

    def __init__(self) -> None:
        self._cells: dict[str, list[str]] = {}

    def __iter__(self) -> Iterator[tuple[str, Sequence[str]]]:
        return iter(tuple(self._cells.items()))

    def of(self, cell: str) -> str:
        """The notebook that a document is a cell of; empty for none."""
        return next((uri for uri, cells in self._cells.items() if cell in cells), "")

    def arrange(
        self, uri: str, start: int, n_removed: int, added: Sequence[types.NotebookCell]
    ) -> Sequence[str]:
        """The cells after some of them were replaced."""
        cells = self._cells.setdefault(uri, [])
        cells[start : start + n_removed] = [cell.document for cell in added]
        return cells

    def close(self, uri: str) -> Sequence[str]:
        """What its cells were."""
        return self._cells.pop(uri, ())


def opened(server: Server, params: types.DidOpenNotebookDocumentParams) -> None:
    notebook = params.notebook_document
    server.notebooks.close(notebook.uri)
    cells = server.notebooks.arrange(notebook.uri, 0, 0, notebook.cells)
    for document in params.cell_text_documents:
        server.open_document(document)
    server.context.arrange(notebook.uri, cells)


def changed(server: Server, params: types.DidChangeNotebookDocumentParams) -> None:
    uri, cells = params.notebook_document.uri, params.change.cells
    if cells is None:
        return
    if (structure := cells.structure) is not None:
        array = structure.array
        order = server.notebooks.arrange(
            uri, array.start, array.delete_count, array.cells or ()
        )
        for document in structure.did_close or ():
            server.close_document(document.uri)
        for opened_one in structure.did_open or ():
            server.open_document(opened_one)
        server.context.arrange(uri, order)
    for content in cells.text_content or ():
        server.change_document(content.document, content.changes)


def closed(server: Server, params: types.DidCloseNotebookDocumentParams) -> None:
    uri = params.notebook_document.uri
    told = [document.uri for document in params.cell_text_documents]
    for cell in dict.fromkeys((*told, *server.notebooks.close(uri))):
        server.close_document(cell)
    server.context.arrange(uri, ())
