"""Notebook notifications: unpack, delegate."""

from __future__ import annotations

from lsprotocol import types

from starcoder_lsp.lsp.server import Server


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
