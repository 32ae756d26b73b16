"""A cursor's spots in the cache: as it is, and as the model reads it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from starcoder_lsp.flow import Completion, Cursor
from starcoder_lsp.suggesting.cache import Space, Spot


@dataclass(frozen=True)
class Spots:
    """`exact`, and `read` without what the editor inserted after the cursor.

    `before` are the spots without some of that, each with what it is.
    """

    exact: Spot
    read: Spot
    read_as: Cursor
    before: tuple[tuple[Spot, str], ...] = ()


def spots_of(cursor: Cursor, read_as: Cursor, key: Hashable) -> Spots:
    """The spots of a cursor that the model reads as `read_as`."""
    exact = spot_of(cursor, key)
    inserted = cursor.suffix[: len(cursor.suffix) - len(read_as.suffix)]
    if not inserted:
        return Spots(exact, exact, cursor)
    before = tuple(
        (spot_of(cursor, key, cursor.suffix[n:]), inserted[:n])
        for n in range(1, len(inserted) + 1)
    )
    return Spots(exact, before[-1][0], read_as, before)


def spot_of(cursor: Cursor, key: Hashable, suffix: str | None = None) -> Spot:
    after = cursor.suffix if suffix is None else suffix
    return Spot(Space.of(cursor.document.uri, key, after), cursor.prefix)


def beside(completion: Completion, inserted: str) -> Completion:
    """A completion where the editor has already closed some of what it closes.

    Its text is empty when nothing else is left of it.
    """
    text, n_replaced = completion.text, completion.n_replaced
    if n_replaced == 0 and text.endswith(inserted):
        return replace(completion, text=text[: -len(inserted)])
    return replace(completion, n_replaced=n_replaced + len(inserted))
