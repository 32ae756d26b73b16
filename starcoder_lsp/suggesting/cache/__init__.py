"""Caches finished suggestions, and finds them again while the user types them.

Each `CacheScope` (document, settings and exact suffix) has a radix trie on the prefix.
A suggestion is never found in another scope.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from starcoder_lsp.flow import Completion, Cursor
from starcoder_lsp.runtime.bounded_dict import BoundedDict
from starcoder_lsp.suggesting.cache.follow import follow
from starcoder_lsp.suggesting.cache.trie import Node, Trie

# As many as in Refact's cache.
MAX_ENTRIES = 500
MAX_CHARACTERS = 8_000_000
MAX_UNWANTED = 500
# The last characters of a text that was cut off are not offered, as in Refact's cache.
UNSURE_END = 10
CUT_OFF = frozenset(("length", "time"))


@dataclass(frozen=True)
class CacheScope:
    """The part of a key that has to be equal for a hit.

    `settings` holds the settings that change suggestions; `suffix` is a digest of the
    text after the cursor.
    """

    uri: str
    settings: Hashable
    suffix: bytes

    @classmethod
    def of(cls, uri: str, settings: Hashable, suffix: str) -> CacheScope:
        return cls(uri, settings, _digest(suffix))


@dataclass(frozen=True)
class CacheKey:
    """The place of a suggestion: its scope and the text before the cursor."""

    scope: CacheScope
    prefix: str

    @classmethod
    def at(cls, cursor: Cursor, settings: Hashable) -> CacheKey:
        scope = CacheScope.of(cursor.document.uri, settings, cursor.suffix)
        return cls(scope, cursor.prefix)


@dataclass(frozen=True)
class CacheHit:
    """The rest of the suggestions that were made for `begun_at`, the best first.

    No completions: the model had nothing to suggest. `is_full`: the user had asked for
    alternatives. `is_short`: the suggestion had to stop after one line.
    """

    completions: tuple[Completion, ...]
    begun_at: CacheKey
    is_full: bool = False
    is_short: bool = False


@dataclass
class _Entry:
    completions: tuple[Completion, ...]
    is_full: bool
    is_short: bool
    used_at: int = 0


class Cache:
    """A least-recently-used cache of suggestions, and the rejected suggestions.

    `max_characters` bounds the text of all keys and suggestions together.
    """

    def __init__(
        self, max_entries: int = MAX_ENTRIES, max_characters: int = MAX_CHARACTERS
    ) -> None:
        self._max_entries = max_entries
        self._max_characters = max_characters
        self._tries: dict[CacheScope, Trie[_Entry]] = {}
        self._used: OrderedDict[Node[_Entry], CacheScope] = OrderedDict()
        self._unwanted: BoundedDict[tuple[CacheScope, bytes], None] = BoundedDict(
            MAX_UNWANTED
        )
        self._n_used = 0
        self._n_characters = 0

    def __len__(self) -> int:
        return len(self._used)

    @property
    def n_characters(self) -> int:
        """The characters held; a common beginning of several prefixes counts once."""
        return self._n_characters

    def keep(
        self,
        key: CacheKey,
        completions: Sequence[Completion],
        *,
        is_full: bool = False,
        is_short: bool = False,
    ) -> None:
        """Store the suggestions made for `key`, replacing older ones."""
        trie = self._tries.setdefault(key.scope, Trie())
        before = trie.n_characters
        node = trie.node_at(key.prefix)
        self._n_characters += trie.n_characters - before
        if node.value is not None:
            self._n_characters -= _n_written(node.value)
        node.value = _Entry(tuple(completions), is_full, is_short)
        self._n_characters += _n_written(node.value)
        self._touch(node, key.scope)
        while self._used and self._is_too_full():
            self._remove(next(iter(self._used)))

    def find(self, key: CacheKey) -> CacheHit | None:
        """Return the suggestions for `key`, or the rest of those made further left.

        Of several entries the one used last wins: it is the one on the screen. Rejected
        suggestions are returned too, because generating them again costs time; see
        `is_unwanted`.
        """
        trie = self._tries.get(key.scope)
        if trie is None:
            return None
        newest: tuple[int, Node[_Entry], CacheHit] | None = None
        for node, length in trie.on_the_way(key.prefix):
            entry = node.value
            if entry is None or (newest and newest[0] > entry.used_at):
                continue
            rests = tuple(_rests(entry, key.prefix[length:]))
            if rests or length == len(key.prefix):
                begun_at = CacheKey(key.scope, key.prefix[:length])
                found = CacheHit(rests, begun_at, entry.is_full, entry.is_short)
                newest = entry.used_at, node, found
        if newest is None:
            return None
        self._touch(newest[1], key.scope)
        return newest[2]

    def reject(self, key: CacheKey, text: str) -> None:
        """Mark the line that `text` at `key` leads to as unwanted."""
        self._unwanted[key.scope, _first_line(key.prefix, text)] = None
        # Suggestions made ahead of time, for after its acceptance, go with it.
        if trie := self._tries.get(key.scope):
            for node in tuple(trie.below(key.prefix + text)):
                self._remove(node)

    def is_unwanted(self, key: CacheKey, text: str) -> bool:
        """Return whether the user rejected the line that `text` leads to."""
        if not self._unwanted:
            return False
        return (key.scope, _first_line(key.prefix, text)) in self._unwanted

    def forget(self, uri: str) -> None:
        """Drop the suggestions and the rejections of a document."""
        for node, scope in tuple(self._used.items()):
            if scope.uri == uri:
                self._remove(node)
        for mark in [mark for mark in self._unwanted if mark[0].uri == uri]:
            del self._unwanted[mark]

    def forget_suggestions(self) -> None:
        """Drop the suggestions of all documents, and keep the rejections."""
        for node in tuple(self._used):
            self._remove(node)

    def _touch(self, node: Node[_Entry], scope: CacheScope) -> None:
        self._n_used += 1
        assert node.value is not None
        node.value.used_at = self._n_used
        self._used[node] = scope
        self._used.move_to_end(node)

    def _is_too_full(self) -> bool:
        is_too_many = len(self._used) > self._max_entries
        return is_too_many or self._n_characters > self._max_characters

    def _remove(self, node: Node[_Entry]) -> None:
        scope = self._used.pop(node)
        trie = self._tries[scope]
        assert node.value is not None
        self._n_characters -= _n_written(node.value) + trie.n_characters
        trie.remove(node)
        self._n_characters += trie.n_characters
        if trie.is_empty:
            del self._tries[scope]


def _rests(entry: _Entry, typed: str) -> Iterator[Completion]:
    """The rest of each suggestion of an entry once `typed` stands in the document."""
    seen: set[str] = set()
    for completion in entry.completions:
        is_cut_off = completion.usage.finish_reason in CUT_OFF
        rest = follow(completion.text, typed)
        if not rest or not rest.strip() or rest in seen:
            continue
        if typed and is_cut_off and len(rest) <= UNSURE_END:
            continue
        seen.add(rest)
        yield replace(completion, text=rest)


def _n_written(entry: _Entry) -> int:
    return sum(len(completion.text) for completion in entry.completions)


def _first_line(prefix: str, text: str) -> bytes:
    """A digest of the document up to the end of the first line of a suggestion."""
    blank = len(text) - len(text.lstrip())
    end = text.find("\n", blank)
    return _digest(prefix + (text if end < 0 else text[:end]).rstrip())


@lru_cache(maxsize=8)
def _digest(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=16).digest()
