"""Tokenizes user text with the tokenizer of the server, so that it stays text.

Only texts that were not tokenized before are asked for: a keystroke asks for a few
paragraphs. The server either leaves control tokens alone, or a text is split inside each
spelling of one, where byte-level tokenizers split it anyway.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from functools import cache

from starcoder_lsp.engines.remote.running import all_of
from starcoder_lsp.engines.remote.trouble import Trouble
from starcoder_lsp.engines.token_cache import (
    KEPT_CHARACTERS,
    PROBE,
    SPLITS,
    Split,
    chunks,
)

# A group of paragraphs ends after one of so many, chosen by its content: so an edit
# changes no other group. Each group is one request.
GROUP_PARAGRAPHS = 6
GROUP_CHARACTERS = 4000
# Requests at the same time.
N_PARALLEL = 4

# The shapes of control tokens of all known families. Most of a vocabulary's control
# tokens are in no table, and a server that parses all text would find them too.
SHAPES = (
    r"<\|[^\s<>]{1,64}\|>|<｜[^\s<>]{1,64}｜>|</?[A-Za-z]+(?:_[A-Za-z]+)+>"
    r"|</?(?:s|unk|pad|bos|eos|mask|pr|think)>|\[/?[A-Z_]{3,32}\]"
)

# Tokenizes a text; `special` is whether control tokens are parsed, and `beginning`
# whether the tokens that every prompt starts with are added.
Tokenize = Callable[[str, bool, bool], Awaitable[list[int]]]


@cache
def spellings(controls: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern that finds the spelling of any control token."""
    known = sorted(map(re.escape, controls), key=len, reverse=True)
    return re.compile("|".join([*known, SHAPES]))


def split_spellings(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield `text` in parts, none of which holds the spelling of a control token.

    A part ends before the first letter of a spelling, where GPT-2's tokenizer and its
    descendants split text.

    >>> list(split_spellings("a <fim_prefix> b", spellings(frozenset())))
    ['a <', 'fim_prefix> b']
    """
    start = 0
    for spelling in pattern.finditer(text):
        inside = re.search(r"\w", spelling[0])
        at = spelling.start() + max(inside.start() if inside else 1, 1)
        yield text[start:at]
        start = at
    yield text[start:]


def broken(text: str, pattern: re.Pattern[str]) -> str:
    """Return `text` with a space inside each spelling of a control token.

    >>> broken("a <fim_prefix> b", spellings(frozenset()))
    'a < fim_prefix> b'
    """
    while pattern.search(text):
        text = " ".join(split_spellings(text, pattern))
    return text


class ServerVocabulary:
    """The tokenizer of a server, with a cache.

    `controls` are the control tokens of the model's family. With `parses_always` the
    server finds control tokens in any text.
    """

    def __init__(
        self, tokenize: Tokenize, controls: Collection[str], *, parses_always: bool
    ) -> None:
        self._tokenize = tokenize
        self._pattern = spellings(frozenset(controls))
        self._parses_always = parses_always
        self._kept: OrderedDict[str, list[int]] = OrderedDict()
        self._n_characters = 0
        self._turn = asyncio.Semaphore(N_PARALLEL)
        self._split: Split | None = None
        self._controls: dict[str, int] = {}
        self._names = tuple(sorted(controls))
        self.beginning: list[int] = []

    async def set_up(self) -> None:
        """Ask for the control tokens and for how the tokenizer splits. Raises Trouble."""
        rows = await all_of(*(self._asked(name, special=True) for name in self._names))
        for name, row in zip(self._names, rows, strict=True):
            if len(row) == 1:
                self._controls[name] = row[0]
        plain = await self._asked("a")
        begun = await self._asked("a", beginning=True)
        # An end token that some tokenizers add as well is not wanted.
        at = next((i for i in range(len(begun)) if begun[i:][: len(plain)] == plain), 0)
        self.beginning = begun[:at]
        whole = await self._fetched(PROBE)
        for split in SPLITS:
            parts = list(chunks(PROBE, split, longest=1))
            tokens = await all_of(*map(self._fetched, parts))
            if whole == [token for row in tokens for token in row]:
                self._split = split
                break

    def control(self, token: str) -> int | None:
        return self._controls.get(token)

    async def prepare(self, texts: Iterable[str]) -> None:
        """Tokenize what `encode` will be asked for. Raises Trouble."""
        groups = dict.fromkeys(group for text in texts for group in self._groups(text))
        # Another request may push these out of the cache meanwhile.
        known = {one: self._kept[one] for one in groups if one in self._kept}
        missing = [group for group in groups if group not in known]
        rows = await all_of(*map(self._fetched, missing))
        for group, row in (*known.items(), *zip(missing, rows, strict=True)):
            self._keep(group, row)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text that `prepare` has seen."""
        return [token for group in self._groups(text) for token in self._kept[group]]

    def _groups(self, text: str) -> Iterator[str]:
        """Yield `text` in groups of paragraphs; it is the same split for the same text."""
        if not text:
            return
        if self._split is None:
            yield text
            return
        group = ""
        for chunk in chunks(text, self._split):
            group += chunk
            is_end = zlib.crc32(chunk.encode(errors="replace")) % GROUP_PARAGRAPHS == 0
            if is_end or len(group) > GROUP_CHARACTERS:
                yield group
                group = ""
        if group:
            yield group

    async def _fetched(self, text: str) -> list[int]:
        parts = [text]
        if self._parses_always:
            parts = [part for part in split_spellings(text, self._pattern) if part]
        rows = await all_of(*map(self._asked, parts))
        return [token for row in rows for token in row]

    async def _asked(
        self, text: str, *, special: bool = False, beginning: bool = False
    ) -> list[int]:
        async with self._turn:
            tokens = await self._tokenize(text, special, beginning)
        if not all(type(token) is int and token >= 0 for token in tokens):
            raise Trouble("wrong dialect", ": its tokens are no numbers")
        return tokens

    def _keep(self, text: str, tokens: list[int]) -> None:
        # Another request may have asked for the same.
        if text not in self._kept:
            self._n_characters += len(text)
        self._kept[text] = tokens
        self._kept.move_to_end(text)
        # What was just asked for is newest, and stays.
        while self._n_characters > KEPT_CHARACTERS and len(self._kept) > 1:
            forgotten, _ = self._kept.popitem(last=False)
            self._n_characters -= len(forgotten)
