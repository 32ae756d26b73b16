"""Handles notifications about documents and notebooks: read, delegate.

Each handler is awaited before the next message is read.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from lsprotocol import types

from starcoder_lsp.languages import language_of
from starcoder_lsp.lsp.documents import MAX_CHARACTERS, OpenDocument
from starcoder_lsp.lsp.documents.batches import lines_after, split_in_steps
from starcoder_lsp.lsp.documents.parameters import (
    Change,
    change_of,
    count_field,
    field,
    item_of,
    list_field,
    text_field,
    uris_of,
)
from starcoder_lsp.lsp.documents.uris import is_document
from starcoder_lsp.lsp.messages.framing import Envelope
from starcoder_lsp.lsp.server import TOO_LARGE, UNKNOWN_TEXT, Server
from starcoder_lsp.lsp.time_slices import taken_in_slices, total_length

logger = logging.getLogger(__name__)

# So many changes are faster one by one than in one pass over the document.
FEW = 8
ABOUT_TEXT = frozenset((types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE))
ABOUT_CELLS = frozenset((types.NOTEBOOK_DOCUMENT_DID_OPEN, types.NOTEBOOK_DOCUMENT_DID_CHANGE))  # fmt: skip


async def opened(server: Server, params: Any) -> None:
    await _open(server, field(params, "textDocument"))


async def changed(server: Server, params: Any) -> None:
    changes = list_field(params, "contentChanges")
    await _change(server, field(params, "textDocument"), changes)


def closed(server: Server, params: Any) -> None:
    if uri := text_field(params, "textDocument", "uri"):
        server.close_document(uri)


async def saved(server: Server, params: Any) -> None:
    """Compare our copy with the text that was saved, and take that if they differ."""
    uri = text_field(params, "textDocument", "uri")
    text = text_field(params, "text")
    document = server.documents.find(uri) if uri is not None else None
    if document is None or text is None:
        return
    if document.trouble or document.snapshot().text != text:
        logger.warning("our copy of a document differed from the one that was saved")
        await _change_at_once(server, document, document.version, [Change(None, text)])


async def notebook_opened(server: Server, params: Any) -> None:
    uri = text_field(params, "notebookDocument", "uri")
    if uri is None or not is_document(uri):
        return
    server.notebooks.close(uri)
    added = _cells(list_field(params, "notebookDocument", "cells"))
    cells = server.notebooks.arrange(uri, 0, 0, added)
    for item in list_field(params, "cellTextDocuments"):
        await _open(server, item)
    server.context.arrange(uri, cells)


async def notebook_changed(server: Server, params: Any) -> None:
    uri = text_field(params, "notebookDocument", "uri")
    cells = field(params, "change", "cells")
    if uri is None or not is_document(uri):
        return
    if structure := field(cells, "structure"):
        await _rearrange(server, uri, structure)
    for content in list_field(cells, "textContent"):
        changes = list_field(content, "changes")
        await _change(server, field(content, "document"), changes)


def notebook_closed(server: Server, params: Any) -> None:
    if (uri := text_field(params, "notebookDocument", "uri")) is None:
        return
    told = uris_of(params, "cellTextDocuments")
    for cell in dict.fromkeys((*told, *server.notebooks.close(uri))):
        server.close_document(cell)
    server.context.arrange(uri, ())


def unread(server: Server, envelope: Envelope, is_large: bool) -> None:
    """Suspend suggestions in documents whose message could not be read."""
    method, uri = envelope.method, envelope.uri
    documents: list[OpenDocument] = []
    if uri is None:
        pass
    elif method in ABOUT_TEXT and is_document(uri):
        known = server.documents.find(uri)
        documents = [known or OpenDocument(uri, "", 0, [""])]
    elif method in ABOUT_CELLS:
        cells = map(server.documents.get, server.notebooks.cells(uri))
        documents = [cell for cell in cells if cell]
    for document in documents:
        server.lose_document(document, TOO_LARGE if is_large else UNKNOWN_TEXT)
    if is_large and not documents:
        server.status.tell(
            "starcoder: a message of the editor was too large to be read "
            f"({method or 'of an unknown kind'})"
        )


async def _rearrange(server: Server, notebook: str, structure: Any) -> None:
    array = field(structure, "array")
    start, n_removed = count_field(array, "start"), count_field(array, "deleteCount")
    added = _cells(list_field(array, "cells"))
    order = server.notebooks.arrange(notebook, start or 0, n_removed or 0, added)
    for cell in uris_of(structure, "didClose"):
        server.close_document(cell)
    for item in list_field(structure, "didOpen"):
        await _open(server, item)
    server.context.arrange(notebook, order)


def _cells(cells: Sequence[Any]) -> list[str]:
    named = (text_field(cell, "document") for cell in cells)
    return [uri for uri in named if uri is not None]


async def _open(server: Server, params: Any) -> None:
    item = item_of(params)
    if item is None or not is_document(item.uri):
        return
    language, version = item.language or "", item.version or 0
    document = OpenDocument(item.uri, language, version, [""], UNKNOWN_TEXT)
    if item.text is None:
        server.lose_document(document, UNKNOWN_TEXT)
    else:
        lines = await split_in_steps(item.text)
        _find_again(server, document, lines, len(item.text))


def _find_again(
    server: Server, lost: OpenDocument, lines: list[str], n_characters: int
) -> None:
    """Open a document whose text is known from now on, unless it is too large."""
    if n_characters > MAX_CHARACTERS:
        server.lose_document(lost, TOO_LARGE)
        return
    language = lost.language or _language_of(server, lost.uri, lines[0])
    server.open_document(OpenDocument(lost.uri, language, lost.version, lines))


def _language_of(server: Server, uri: str, first_line: str) -> str:
    path = server.path_of(uri)
    return language_of(path, first_line) if path else "plaintext"


async def _change(server: Server, identifier: Any, sent: list[Any]) -> None:
    uri = text_field(identifier, "uri")
    if uri is None or not is_document(uri):
        return
    document = server.documents.find(uri)
    if document is None:
        logger.warning("changes to a document that is not open are ignored")
        return
    version = count_field(identifier, "version")
    if version is None:
        version = document.version + 1
    elif version < document.version:
        logger.warning("a document went back to version %s", version)
    changes = await taken_in_slices(change_of, sent)
    if not document.trouble and _are_few(changes):
        document.renumber(version)
        spans = [(one.span, one.text) for one in changes if one and one.span]
        edits = [document.edit(*one, server.encoding) for one in spans]
        server.note_change(document, edits)
    else:
        await _change_at_once(server, document, version, changes)


def _are_few(changes: Sequence[Change | None]) -> bool:
    return len(changes) <= FEW and all(one and one.span for one in changes)


async def _change_at_once(
    server: Server,
    document: OpenDocument,
    version: int,
    changes: list[Change | None],
) -> None:
    """Apply changes in one pass. A whole text in them makes a lost document known again."""
    before = None if document.trouble else document.lines
    lines = await lines_after(before, changes, server.encoding)
    n_characters = await total_length(lines or ())
    document.renumber(version)
    if lines is None:
        if not document.trouble:
            server.lose_document(document, UNKNOWN_TEXT)
    elif document.trouble:
        _find_again(server, document, lines, n_characters)
    else:
        server.note_change(document, [document.replace_all(lines)])
