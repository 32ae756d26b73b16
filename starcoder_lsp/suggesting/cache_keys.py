"""The cache keys of a cursor, with and without brackets that the editor inserted."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from starcoder_lsp.completion.postprocess.closers import closed_by
from starcoder_lsp.flow import Completion, Cursor
from starcoder_lsp.suggesting.cache import CacheKey, CacheScope


@dataclass(frozen=True)
class CacheKeys:
    """The keys under which a suggestion for one cursor may be cached.

    `exact` is the key of the document as it is; `read` that of `read_as`, the cursor as
    the model reads it, without the inserted closers. `before` has a key for each number
    of closers left out, together with these closers.
    """

    exact: CacheKey
    read: CacheKey
    read_as: Cursor
    before: tuple[tuple[CacheKey, str], ...] = ()

    @classmethod
    def of(cls, cursor: Cursor, read_as: Cursor, settings: Hashable) -> CacheKeys:
        """Return the keys of `cursor`, which the model reads as `read_as`."""
        exact = CacheKey.at(cursor, settings)
        inserted = cursor.suffix[: len(cursor.suffix) - len(read_as.suffix)]
        if not inserted:
            return cls(exact, exact, cursor)
        scopes = (
            CacheScope.of(cursor.document.uri, settings, cursor.suffix[n:])
            for n in range(1, len(inserted) + 1)
        )
        before = tuple(
            (CacheKey(scope, cursor.prefix), inserted[:n])
            for n, scope in enumerate(scopes, start=1)
        )
        return cls(exact, before[-1][0], read_as, before)

    @property
    def inserted(self) -> str:
        """The closers that the model does not read."""
        return self.before[-1][1] if self.before else ""


def around_inserted(completion: Completion, inserted: str) -> Completion:
    """Adapt a completion to closers that the editor has inserted after the cursor.

    They are cut off its end, or replaced where it closes what they close.

    >>> around_inserted(Completion("x)"), ")").text
    'x'
    >>> around_inserted(Completion("x) + 1"), ")").n_replaced
    1
    """
    text, n_replaced = completion.text, completion.n_replaced
    if n_replaced:
        return replace(completion, n_replaced=n_replaced + len(inserted))
    twice = closed_by(text, inserted)
    if len(twice) == len(inserted) and twice[0] == len(text) - len(inserted):
        return replace(completion, text=text[: twice[0]])
    return replace(completion, n_replaced=len(twice))
