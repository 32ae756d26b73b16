"""The other cells of a notebook: what was written above is what a cell builds on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from starcoder_lsp.context.indexer.open_documents import IndexedDocument
from starcoder_lsp.context.secrets.redact import redact
from starcoder_lsp.flow import Cell

PROSE = frozenset(("markdown", "raw", "plaintext"))
# A larger cell holds data.
MAX_CELL_CHARACTERS = 16_000
# Other files get the rest of what there is for context.
SHARE = 0.75

_redacted = lru_cache(maxsize=512)(redact)


def cells_around(
    document: IndexedDocument,
    notebook: Sequence[IndexedDocument],
    budget_characters: int,
) -> tuple[Cell, ...]:
    """Whole cells of its notebook in their order, those near `document` first chosen."""
    if document not in notebook:
        return ()
    at = notebook.index(document)
    n_left = int(budget_characters * SHARE)
    above = list(_fitting(reversed(notebook[:at]), n_left, is_above=True))
    n_left -= sum(len(cell.text) for cell in above)
    below = _fitting(notebook[at + 1 :], n_left, is_above=False)
    return (*reversed(above), *below)


def _fitting(
    documents: Iterable[IndexedDocument], budget_characters: int, *, is_above: bool
) -> Iterator[Cell]:
    for one in documents:
        if len(one.text) > MAX_CELL_CHARACTERS or not one.text.strip():
            continue
        text = _redacted(one.text, one.language).strip("\r\n")
        budget_characters -= len(text)
        if budget_characters < 0:
            return
        yield Cell(text, one.language not in PROSE, is_above)
