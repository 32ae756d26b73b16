"""Frames between front, indexer and workers, and their contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

from starcoder_lsp.context import Edit, Gathered, Statistics
from starcoder_lsp.context.symbols import Definition, Import, Reference, Symbols
from starcoder_lsp.flow import Cell, Judgement, Snippet
from starcoder_lsp.runtime.frames import Frame


def symbols_row(symbols: Symbols) -> list[Any]:
    """Encode symbols as lists: a third of the size of JSON objects, and faster to read."""
    return [
        symbols.language,
        symbols.definitions,
        symbols.imports,
        symbols.references,
        symbols.package,
        symbols.is_complete,
    ]


def symbols_from(row: Sequence[Any]) -> Symbols:
    language, definitions, imports, references, package, is_complete = row
    return Symbols(
        language,
        tuple(map(Definition._make, definitions)),
        tuple(map(import_from, imports)),
        tuple(map(Reference._make, references)),
        package,
        is_complete,
    )


def import_from(row: Sequence[Any]) -> Import:
    module, line, names, aliases = row
    return Import(module, line, tuple(names), tuple(aliases))


def edits_rows(edits: Sequence[Edit]) -> list[Any]:
    return [astuple(edit) for edit in edits]


def apply(text: str, rows: Sequence[Sequence[Any]]) -> str:
    """Return `text` after edits, each applied to the result of the one before."""
    for start, end, replacement in rows:
        text = text[:start] + replacement + text[end:]
    return text


def gathered_frame(request_id: int, gathered: Gathered) -> Frame:
    return {"op": "gathered", "id": request_id, **asdict(gathered)}


def gathered_from(frame: Mapping[str, Any]) -> Gathered:
    snippets = tuple(Snippet(**row) for row in frame["snippets"])
    cells = tuple(Cell(**row) for row in frame["cells"])
    return Gathered(snippets, frame["path"], frame["repository"], cells)


def judgements_from(frame: Mapping[str, Any]) -> list[Judgement]:
    return [Judgement(*row) for row in frame["judgements"]]


def statistics_from(frame: Mapping[str, Any]) -> Statistics:
    return Statistics(**frame["statistics"])
