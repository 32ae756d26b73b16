"""The open notebooks. Their cells are documents, in an order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types

# We want all cells of all notebooks.
SYNC = types.NotebookDocumentSyncOptions(
    [types.NotebookDocumentFilterWithNotebook(notebook="*")]
)


class Notebooks:
    """The URIs of the cells of each open notebook, in their order."""

    def __init__(self) -> None:
        self._cells: dict[str, list[str]] = {}

    def __iter__(self) -> Iterator[tuple[str, Sequence[str]]]:
        return iter(tuple(self._cells.items()))

    def of(self, cell: str) -> str:
        """Return the notebook that a document is a cell of; empty if there is none."""
        return next((uri for uri, cells in self._cells.items() if cell in cells), "")

    def cells(self, uri: str) -> Sequence[str]:
        return self._cells.get(uri, ())

    def arrange(
        self, uri: str, start: int, n_removed: int, added: Sequence[str]
    ) -> Sequence[str]:
        """Replace some cells, and return all of them."""
        cells = self._cells.setdefault(uri, [])
        cells[start : start + n_removed] = added
        return cells

    def close(self, uri: str) -> Sequence[str]:
        """Forget a notebook; return its cells."""
        return self._cells.pop(uri, ())
