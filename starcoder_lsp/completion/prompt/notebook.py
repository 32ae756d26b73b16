"""Builds prompts for notebook cells, in the notebook form of the model's training.

The form reads from left to right, because no family was trained to fill in the middle
of a notebook. If text follows the cursor in its cell, the other cells become a snippet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from starcoder_lsp.completion.prompt.family import Family, filled, one_line, unix
from starcoder_lsp.flow import Cell, Group, Segment, Snippet
from starcoder_lsp.languages import language

PROSE = "markdown"


def is_readable(
    family: Family, cells: Sequence[Cell], fields: Mapping[str, str]
) -> bool:
    """Return whether the notebook form of the family fits this cursor."""
    is_last = not fields["suffix"].strip()
    return bool(family.notebook) and is_last and any(cell.is_above for cell in cells)


def segments(
    family: Family,
    fields: Mapping[str, str],
    snippets: Sequence[Snippet],
    cells: Sequence[Cell],
    language_id: str,
) -> Iterator[Segment | Group]:
    """Yield the segments of a notebook; neighbouring cells of one kind are merged."""
    parts = family.notebook
    fields = {**fields, "comment": language(language_id).comment}
    yield from filled(family, parts["head"], fields)
    for snippet in snippets:
        text = {"path": one_line(snippet.path), "text": unix(snippet.text)}
        yield Group(tuple(filled(family, parts["snippet"], {**fields, **text})))
    runs = _runs(cells)
    kind = "prose" if language_id == PROSE else "code"
    same = runs.pop()[1] + "\n" if runs[-1][0] == kind else ""
    for kind_above, above in runs:
        cell = {**fields, "above": above, "prefix": ""}
        yield from filled(family, parts[kind_above], cell)
    yield from filled(family, parts[kind], {**fields, "above": same})


def _runs(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    """Return kind and text of each run of cells of one kind above the cursor."""
    above = [cell for cell in cells if cell.is_above]
    return [
        ("code" if is_code else "prose", "\n".join(unix(cell.text) for cell in run))
        for is_code, run in groupby(above, lambda cell: cell.is_code)
    ]


def as_snippets(
    cells: Sequence[Cell], path: str, language_id: str
) -> tuple[Snippet, ...]:
    """Return all cells as one file, with prose as comments."""
    if not cells:
        return ()
    mark = language(language_id).comment
    texts = [cell.text if cell.is_code else _comment(cell.text, mark) for cell in cells]
    return (Snippet(path, "\n".join(texts), "cells"),)


def _comment(text: str, mark: str) -> str:
    return "\n".join(f"{mark} {line}".strip() for line in text.splitlines())
