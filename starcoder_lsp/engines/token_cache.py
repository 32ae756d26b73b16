"""Caches tokens by paragraph, so that a keystroke tokenizes one paragraph.

For engines that tokenize prompts themselves, with any tokenizer. A text is split only
where its tokenizer splits it anyway, so that the tokens are those of the whole text and
a change in one place changes no tokens elsewhere.
"""

from __future__ import annotations

import re
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

# A chunk ends at a blank line, or at the next line once it is this long.
CHUNK_CHARACTERS = 1000
# Far more than one prompt has. A token takes four bytes, and stands for about as many
# characters.
KEPT_CHARACTERS = 1_000_000
TOKEN_TYPE = "i"

# White space from the end of a line to the next character that is not white space.
LINE_BREAK = re.compile(r"\n\s*")

Encode = Callable[[str], list[int]]
# Given a text and where white space in it begins and ends: the index at which the
# tokenizer splits it, or 0.
Split = Callable[[str, int, int], int]


def before_last_space(text: str, start: int, end: int) -> int:
    """Split as GPT-2's tokenizer: the last white space belongs to the word after it.

    The tokenizer of StarCoder leaves it out before a number, so that no place before a
    number suits both.
    """
    return 0 if text[end].isnumeric() else end - 1


def after_last_newline(text: str, start: int, end: int) -> int:
    """Split as the tokenizers of Llama 3 and Qwen: newlines belong together."""
    return text.rfind("\n", start, end) + 1


SPLITS: tuple[Split, ...] = (after_last_newline, before_last_space)
# A tokenizer uses the first split with which the tokens of this text stay the same.
PROBE = (
    "import os\n\n\nclass Name(Base):\n\n    x: int = 1\n\n\tdef f(self, y):\n"
    "\t\treturn {y: 'a b'}  # why\n\n\n}\n\n# end\n  \n\nlast = (1,\n\n  2)\n"
)


class TokenCache:
    """Encodes texts, and keeps the tokens of the chunks used last.

    `encode` is the tokenizer. One that agrees with no known split sees whole texts.
    """

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._kept: OrderedDict[str, array[int]] = OrderedDict()
        self._n_characters = 0
        self._split = next((split for split in SPLITS if self._is_exact(split)), None)

    def encode(self, text: str) -> list[int]:
        return list(chain.from_iterable(map(self._tokens, self._chunks(text))))

    def _chunks(self, text: str) -> Iterator[str]:
        return chunks(text, self._split) if self._split else iter((text,))

    def _tokens(self, chunk: str) -> Sequence[int]:
        if (tokens := self._kept.get(chunk)) is not None:
            self._kept.move_to_end(chunk)
            return tokens
        tokens = self._kept[chunk] = array(TOKEN_TYPE, self._encode(chunk))
        self._n_characters += len(chunk)
        while self._n_characters > KEPT_CHARACTERS and len(self._kept) > 1:
            forgotten, _ = self._kept.popitem(last=False)
            self._n_characters -= len(forgotten)
        return tokens

    def _is_exact(self, split: Split) -> bool:
        parts = chunks(PROBE, split, longest=1)
        return self._encode(PROBE) == [
            token for part in parts for token in self._encode(part)
        ]


def chunks(text: str, split: Split, longest: int = CHUNK_CHARACTERS) -> Iterator[str]:
    r"""Yield `text` in chunks that end at blank lines; a long one ends at a line.

    >>> list(chunks("a = 1\nb = 2\n\nc = 3\n", before_last_space))
    ['a = 1\nb = 2\n', '\nc = 3\n']
    """
    start = 0
    for found in LINE_BREAK.finditer(text):
        first, end = found.span()
        is_long = end - start > longest
        if end < len(text) and (is_long or text.count("\n", first, end) > 1):
            at = split(text, first, end)
            if at > start:
                yield text[start:at]
                start = at
    yield text[start:]
