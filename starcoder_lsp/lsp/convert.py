"""Converts LSP's types to ours and back, and positions to and from the client's encoding."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lsprotocol import types

from starcoder_lsp.flow import NO_VERSION, Completion, Cursor
from starcoder_lsp.languages.lines import is_of_word
from starcoder_lsp.lsp.documents import OpenDocument
from starcoder_lsp.lsp.documents.positions import Encoding, units
from starcoder_lsp.lsp.documents.uris import paths_of

MARKER = "★"
MAX_LABEL = 60


def cursor_of(
    document: OpenDocument, position: types.Position, encoding: Encoding
) -> Cursor:
    place = document.place(position.line, position.character, encoding)
    return Cursor(document.snapshot(), document.offset(place))


def cursor_with(
    selected: types.SelectedCompletionInfo,
    document: OpenDocument,
    encoding: Encoding,
) -> Cursor:
    """Return the cursor as if the popup's selected entry were in the text."""
    start, end = (
        document.offset(document.place(at.line, at.character, encoding))
        for at in (selected.range.start, selected.range.end)
    )
    before = document.snapshot()
    text = before.text[:start] + selected.text + before.text[end:]
    document_with = replace(before, text=text, version=NO_VERSION)
    return Cursor(document_with, start + len(selected.text), selected.text)


def inline_items(
    completions: Sequence[Completion],
    cursor: Cursor,
    params: types.InlineCompletionParams,
    encoding: Encoding,
    commands: Sequence[types.Command],
) -> types.InlineCompletionList:
    """Return ghost text.

    If an entry of the popup is selected, each item begins with what the entry inserts and
    has its range, because clients show nothing else beside it.
    """
    selected = params.context.selected_completion_info
    inserted = selected.text if selected else ""
    # The client's own position may lie inside a character, or beyond the end of the line.
    column = units(cursor.line_prefix, encoding)
    at = types.Position(params.position.line, column)
    here = types.Range(at, at)
    around = selected.range if selected else here
    items = []
    for completion, command in zip(completions, commands, strict=True):
        if selected and completion.n_replaced:
            continue
        replaced = cursor.line_suffix[: completion.n_replaced]
        last = moved(around.end, units(replaced, encoding))
        items.append(
            types.InlineCompletionItem(
                insert_text=inserted + completion.text,
                range=types.Range(around.start, last),
                command=command,
            )
        )
    return types.InlineCompletionList(items=items)


def moved(position: types.Position, n_units: int) -> types.Position:
    return types.Position(position.line, position.character + n_units)


def popup_items(
    completions: Sequence[Completion],
    cursor: Cursor,
    position: types.Position,
    encoding: Encoding,
    commands: Sequence[types.Command],
) -> types.CompletionList:
    """Return at most one popup entry, for clients without ghost text.

    It replaces the word being typed.
    """
    pairs = zip(completions, commands, strict=True)
    # An entry of white space would look empty.
    shown = next((pair for pair in pairs if pair[0].text.strip()), None)
    if shown is None:
        return types.CompletionList(is_incomplete=True, items=[])
    completion, command = shown
    word = _word_before(cursor.line_prefix)
    # The client's own position may lie beyond the end of the line.
    character = units(cursor.line_prefix, encoding)
    replaced = cursor.line_suffix[: completion.n_replaced]
    end = types.Position(position.line, character + units(replaced, encoding))
    start = types.Position(position.line, character - units(word, encoding))
    text = word + completion.text
    fence = "```"
    documentation = f"{fence}{cursor.document.language}\n{text}\n{fence}"
    item = types.CompletionItem(
        label=f"{MARKER} {_label(text)}",
        kind=types.CompletionItemKind.Text,
        filter_text=_first_line(text),
        # No `preselect`: Helix moves such an entry to the top when it arrives, keeps the
        # index of the selected entry, and then inserts another one than it has shown.
        sort_text="0000",
        documentation=types.MarkupContent(types.MarkupKind.Markdown, documentation),
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=types.TextEdit(types.Range(start, end), text),
        command=command,
    )
    return types.CompletionList(is_incomplete=True, items=[item])


def _word_before(line: str) -> str:
    start = len(line)
    while start and is_of_word(line[start - 1]):
        start -= 1
    return line[start:]


def _first_line(text: str) -> str:
    """Return the first line that is not blank.

    Clients compare it with the word that is being typed, also with what is typed later.
    """
    return next(line.strip() for line in text.splitlines() if line.strip())


def _label(text: str) -> str:
    """Return the first line that is not blank, short enough for every popup."""
    first = _first_line(text)
    return first if len(first) <= MAX_LABEL else first[: MAX_LABEL - 1] + "…"


def n_code_points(text: str, n_utf16_units: int) -> int:
    """Return how many code points the first `n_utf16_units` of `text` are.

    >>> n_code_points("a😀b", 3)
    2
    """
    encoded = text.encode("utf-16-le", "surrogatepass")[: max(n_utf16_units, 0) * 2]
    return len(encoded.decode("utf-16-le", "ignore"))


def folders_of(params: types.InitializeParams) -> tuple[Path, ...]:
    """Return the workspace folders in the client's order."""
    if params.workspace_folders:
        return paths_of(folder.uri for folder in params.workspace_folders)
    if params.root_uri:
        return paths_of([params.root_uri])
    root = Path(params.root_path or "")
    return (Path(os.path.realpath(root)),) if root.is_absolute() else ()
