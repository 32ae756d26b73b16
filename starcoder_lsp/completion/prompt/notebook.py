"""A prompt for a notebook's cell: the cells above it as the model read them in training.

It is read from left to right, as no family was trained to fill in the middle of a
notebook: where something follows the cursor in its cell, the other cells are a snippet.
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
    """Whether the family has a form for this place in a notebook."""
    is_last = not fields["suffix"].strip()
    return bool(family.notebook) and is_last and any(cell.is_above for cell in cells)


def segments(
    family: Family,
    fields: Mapping[str, str],
    snippets: Sequence[Snippet],
    cells: Sequence[Cell],
    language_id: str,
) -> Iterator[Segment | Group]:
    """Neighbours of one kind are one cell, as in the training data."""
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
    """The cells above as kinds and texts."""
    above = [cell for cell in cells if cell.is_above]
    return [
        ("code" if is_code else "prose", "\n".join(unix(cell.text) for cell in run))
        for is_code, run in groupby(above, lambda cell: cell.is_code)
    ]


def as_snippets(
    cells: Sequence[Cell], path: str, language_id: str
) -> tuple[Snippet, ...]:
    """All of the cells as one file, in which prose is a comment."""
    if not cells:
        return ()
    mark = language(language_id).comment
    texts = [cell.text if cell.is_code else _comment(cell.text, mark) for cell in cells]
    return (Snippet(path, "\n".join(texts), "cells"),)


def _comment(text: str, mark: str) -> str:
    return "\n".join(f"{mark} {line}".strip() for line in text.splitlines())
