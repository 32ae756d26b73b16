"""Finished suggestions, found again where they were made and while they are typed.

A radix trie on the text before the cursor for each text after it, document and model.
Nothing is ever found for another of these.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from starcoder_lsp.flow import Completion
from starcoder_lsp.runtime.bounded_dict import Newest
from starcoder_lsp.suggesting.cache.follow import follow
from starcoder_lsp.suggesting.cache.trie import Node, Trie

MAX_ENTRIES = 500
MAX_CHARACTERS = 8_000_000
MAX_UNWANTED = 500
# What was cut off in the middle is not trusted to its end.
UNSURE_END = 10
CUT_OFF = frozenset(("length", "time"))


@dataclass(frozen=True)
class Space:
    """What has to be equal: the document, who answers, and the text after the cursor."""

    uri: str
    settings: Hashable
    suffix: bytes

    @classmethod
    def of(cls, uri: str, settings: Hashable, suffix: str) -> Space:
        return cls(uri, settings, _digest(suffix))


@dataclass(frozen=True)
class Spot:
    """Where a suggestion is wanted."""

    space: Space
    prefix: str

    def after(self, text: str) -> Spot:
        return Spot(self.space, self.prefix + text)


@dataclass(frozen=True)
class Found:
    """What is left of the suggestions made for `begun_at`, the best first.

    None at all where the model had nothing to say. `is_full` when it was asked for all
    that it would suggest there.
    """

    completions: tuple[Completion, ...]
    begun_at: Spot
    is_full: bool = False


@dataclass
class _Entry:
    completions: tuple[Completion, ...]
    is_full: bool
    used_at: int = 0


class Cache:
    """The last answers; the least recently used are forgotten first."""

    def __init__(
        self, max_entries: int = MAX_ENTRIES, max_characters: int = MAX_CHARACTERS
    ) -> None:
        self._max_entries = max_entries
        self._max_characters = max_characters
        self._tries: dict[Space, Trie[_Entry]] = {}
        self._used: OrderedDict[Node[_Entry], Space] = OrderedDict()
        self._unwanted: Newest[tuple[Space, bytes], None] = Newest(MAX_UNWANTED)
        self._n_used = 0
        self._n_characters = 0

    def __len__(self) -> int:
        return len(self._used)

    @property
    def n_characters(self) -> int:
        """How much text is kept; what prefixes have in common counts once."""
        return self._n_characters

    def keep(
        self,
        spot: Spot,
        completions: Sequence[Completion],
        *,
        is_full: bool = False,
    ) -> None:
        """Remember what was suggested at `spot`, in place of what was known."""
        trie = self._tries.setdefault(spot.space, Trie())
        before = trie.n_characters
        node = trie.node_at(spot.prefix)
        self._n_characters += trie.n_characters - before
        if node.value is not None:
            self._n_characters -= _n_written(node.value)
        node.value = _Entry(tuple(completions), is_full)
        self._n_characters += _n_written(node.value)
        self._touch(node, spot.space)
        while self._used and self._is_too_full():
            self._remove(next(iter(self._used)))

    def find(self, spot: Spot) -> Found | None:
        """What was suggested here, or what the user is typing through.

        Of several, what was found or made last: that is what is on the screen. What was
        turned down is among them: asking for it again would cost the model's time.
        """
        trie = self._tries.get(spot.space)
        if trie is None:
            return None
        newest: tuple[int, Node[_Entry], Found] | None = None
        for node, length in trie.on_the_way(spot.prefix):
            entry = node.value
            if entry is None or (newest and newest[0] > entry.used_at):
                continue
            rests = tuple(_rests(entry, spot.prefix[length:]))
            if rests or length == len(spot.prefix):
                begun_at = Spot(spot.space, spot.prefix[:length])
                found = Found(rests, begun_at, entry.is_full)
                newest = entry.used_at, node, found
        if newest is None:
            return None
        self._touch(newest[1], spot.space)
        return newest[2]

    def reject(self, spot: Spot, text: str) -> None:
        """Never again answer with what `text` at `spot` leads to."""
        self._unwanted[spot.space, _outcome(spot.prefix, text)] = None
        # What was made ready for after it goes with it.
        if trie := self._tries.get(spot.space):
            for node in tuple(trie.below(spot.prefix + text)):
                self._remove(node)

    def is_unwanted(self, spot: Spot, text: str) -> bool:
        """Whether the user has turned this down, here or a few letters away."""
        if not self._unwanted:
            return False
        return (spot.space, _outcome(spot.prefix, text)) in self._unwanted

    def forget(self, uri: str) -> None:
        """Drop everything about a document."""
        for node, space in tuple(self._used.items()):
            if space.uri == uri:
                self._remove(node)
        for key in [key for key in self._unwanted if key[0].uri == uri]:
            del self._unwanted[key]

    def forget_suggestions(self) -> None:
        """Drop what was suggested anywhere, and remember what was turned down."""
        for node in tuple(self._used):
            self._remove(node)

    def _touch(self, node: Node[_Entry], space: Space) -> None:
        self._n_used += 1
        assert node.value is not None
        node.value.used_at = self._n_used
        self._used[node] = space
        self._used.move_to_end(node)

    def _is_too_full(self) -> bool:
        is_too_many = len(self._used) > self._max_entries
        return is_too_many or self._n_characters > self._max_characters

    def _remove(self, node: Node[_Entry]) -> None:
        space = self._used.pop(node)
        trie = self._tries[space]
        assert node.value is not None
        self._n_characters -= _n_written(node.value) + trie.n_characters
        trie.remove(node)
        self._n_characters += trie.n_characters
        if trie.is_empty:
            del self._tries[space]


def _rests(entry: _Entry, typed: str) -> Iterator[Completion]:
    """What is left of an entry's suggestions after what was typed since."""
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


def _outcome(prefix: str, text: str) -> bytes:
    """The document up to the first line that a suggestion would finish."""
    blank = len(text) - len(text.lstrip())
    end = text.find("\n", blank)
    return _digest(prefix + (text if end < 0 else text[:end]).rstrip())


@lru_cache(maxsize=8)
def _digest(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=16).digest()
