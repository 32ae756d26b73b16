"""LSP's types to ours and back; the client's position encoding lives and dies here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from lsprotocol import types

from starcoder_lsp.flow import NO_VERSION, Completion, Cursor
from starcoder_lsp.languages.lines import is_of_word
from starcoder_lsp.lsp.documents import Encoding, OpenDocument, Span, units
from starcoder_lsp.runtime.paths import path_of_uri

MARKER = "★"
MAX_LABEL = 60

# Documents that an editor may have open at once.
N_REMEMBERED = 1024
# A cell of a notebook lies in the notebook's file.
WITH_A_PATH = frozenset(("file", "vscode-notebook-cell"))


@lru_cache(N_REMEMBERED)
def path_of(uri: str) -> Path | None:
    """The file on this machine that a document is, or lies in; None when in none.

    Links are resolved, so that a file has one path however the client names it.

    >>> path_of("vscode-notebook-cell:/a/b.ipynb#c1"), path_of("untitled:b.py")
    (PosixPath('/a/b.ipynb'), None)
    """
    path = named_path_of(uri)
    return Path(os.path.realpath(path)) if path else None


def named_path_of(uri: str) -> Path | None:
    """The path as the client names it, which may lead through links."""
    return path_of_uri(uri, WITH_A_PATH)


def edits_of(
    changes: Iterable[types.TextDocumentContentChangeEvent],
) -> list[tuple[Span | None, str]]:
    return [(_span(getattr(change, "range", None)), change.text) for change in changes]


def _span(range_: types.Range | None) -> Span | None:
    if range_ is None:
        return None
    start, end = range_.start, range_.end
    return Span((start.line, start.character), (end.line, end.character))


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
    """The cursor as it would be with the popup's selected entry in the text."""
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
    """Ghost text; what an entry of the popup inserts is part of it.

    Beside such an entry clients show only what has exactly its range.
    """
    selected = params.context.selected_completion_info
    inserted = selected.text if selected else ""
    here = types.Range(params.position, params.position)
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
    """One entry for clients without ghost text; it replaces the word being typed."""
    if not completions:
        return types.CompletionList(is_incomplete=True, items=[])
    completion = completions[0]
    word = _word_before(cursor.line_prefix)
    # Counted anew: what the client sent may lie beyond the line's end.
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
        filter_text=word,
        sort_text="0000",
        preselect=True,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, documentation),
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=types.TextEdit(types.Range(start, end), text),
        command=commands[0],
    )
    return types.CompletionList(is_incomplete=True, items=[item])


def _word_before(line: str) -> str:
    start = len(line)
    while start and is_of_word(line[start - 1]):
        start -= 1
    return line[start:]


def _label(text: str) -> str:
    """The first line that says something, short enough for every popup."""
    first = next(line.strip() for line in text.splitlines() if line.strip())
    return first if len(first) <= MAX_LABEL else first[: MAX_LABEL - 1] + "…"


def n_code_points(text: str, n_utf16_units: int) -> int:
    """How many code points so many UTF-16 units of `text` are.

    >>> n_code_points("a😀b", 3)
    2
    """
    encoded = text.encode("utf-16-le", "surrogatepass")[: max(n_utf16_units, 0) * 2]
    return len(encoded.decode("utf-16-le", "ignore"))


def paths_of(uris: Iterable[str]) -> tuple[Path, ...]:
    """The files behind those of the URIs that have one."""
    return tuple(path for path in map(path_of, uris) if path)


def folders_of(params: types.InitializeParams) -> tuple[Path, ...]:
    """The workspace's folders, in the client's order."""
    if params.workspace_folders:
        return paths_of(folder.uri for folder in params.workspace_folders)
    if params.root_uri:
        return paths_of([params.root_uri])
    root = Path(params.root_path or "")
    return (Path(os.path.realpath(root)),) if root.is_absolute() else ()
