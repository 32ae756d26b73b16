"""Tokens by paragraph: only the changed ones are computed, with a toy tokenizer."""

from __future__ import annotations

import re
from pathlib import Path
from zlib import crc32

import pytest

from starcoder_lsp.engines import token_cache
from starcoder_lsp.engines.token_cache import (
    TokenCache,
    after_last_newline,
    before_last_space,
    chunks,
)

SOURCE = Path(token_cache.__file__)
PARAGRAPHS = "def one():\n    return 1\n\n\ndef two():\n\n    return 2\n\nx = 3\n"
# As GPT-2's tokenizer splits: the last white space belongs to the word after it.
WORD = re.compile(r" ?\w+| ?[^\s\w]+|\s+(?!\S)|\s+")


def encode(text: str) -> list[int]:
    return [crc32(word.encode()) >> 1 for word in WORD.findall(text)]


class Counted:
    """An encoder that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, text: str) -> list[int]:
        self.asked.append(text)
        return encode(text)


def test_a_keystroke_tokenizes_only_the_paragraph_it_is_in() -> None:
    counted = Counted()
    cache = TokenCache(counted)
    text = SOURCE.read_text("utf-8")
    cache.encode(text)
    counted.asked.clear()
    for n in range(1, 30):
        cache.encode(text + "\n\n    return self.other_value"[:n])
    assert max(map(len, counted.asked)) < 1200
    assert len(counted.asked) <= 31


def test_a_change_in_one_paragraph_changes_no_other_ones_tokens() -> None:
    counted = Counted()
    cache = TokenCache(counted)
    cache.encode(PARAGRAPHS * 20)
    counted.asked.clear()
    cache.encode(PARAGRAPHS * 10 + "y = 4\n\n" + PARAGRAPHS * 10)
    assert counted.asked == ["\nx = 3\ny = 4\n", "\ndef one():\n    return 1\n\n"]


def test_chunks_are_tokenized_as_the_whole_text_is() -> None:
    for text in (SOURCE.read_text("utf-8"), PARAGRAPHS * 20, "", "\n\n"):
        assert TokenCache(encode).encode(text) == encode(text)


def test_where_paragraphs_end() -> None:
    assert list(chunks(PARAGRAPHS, before_last_space)) == [
        "def one():\n    return 1\n\n",
        "\ndef two():\n\n   ",
        "\u0020return 2\n",
        "\nx = 3\n",
    ]
    assert list(chunks(PARAGRAPHS, after_last_newline)) == [
        "def one():\n    return 1\n\n\n",
        "def two():\n\n",
        "    return 2\n\n",
        "x = 3\n",
    ]


def test_boundaries_do_not_move_while_typing() -> None:
    text = SOURCE.read_text("utf-8")
    before = list(chunks(text, before_last_space))
    for n in range(len(text), len(text) - 400, -1):
        pieces = list(chunks(text[:n], before_last_space))
        assert pieces[:-1] == before[: len(pieces) - 1]


def test_a_paragraph_without_end_is_split_at_lines() -> None:
    table = "    1, 2, 3,\n" * 500 + "x,\n" * 1000
    assert max(map(len, chunks(table, after_last_newline))) < 1100


def test_what_was_not_used_for_long_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_cache, "KEPT_CHARACTERS", 300)
    counted = Counted()
    cache = TokenCache(counted)
    for text in ("a" * 200, "b" * 50, "c" * 40, "b" * 50, "d" * 100, "b" * 50):
        cache.encode(text)
    counted.asked.clear()
    cache.encode("b" * 50)
    cache.encode("a" * 200)
    assert counted.asked == ["a" * 200]


def test_an_unknown_tokenizer_sees_the_whole_text() -> None:
    def of_lines(text: str) -> list[int]:
        return [hash(line) for line in text.split("x")]

    assert list(TokenCache(of_lines)._chunks("a\n\nb")) == ["a\n\nb"]
