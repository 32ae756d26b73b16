"""Tokens by paragraph: those of the whole text, and only the changed ones computed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from random_model import VOCABULARY

from starcoder_lsp.engines import token_cache
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import Model
from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary
from starcoder_lsp.engines.token_cache import (
    TokenCache,
    after_last_newline,
    before_last_space,
    chunks,
)

SOURCE = Path(token_cache.__file__)
PARAGRAPHS = "def one():\n    return 1\n\n\ndef two():\n\n    return 2\n\nx = 3\n"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    library.set_up()
    return Model(VOCABULARY, vocab_only=True).vocabulary


class Counted:
    """An encoder that remembers what it was asked."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.asked: list[str] = []

    def __call__(self, text: str) -> list[int]:
        self.asked.append(text)
        return self._vocabulary.encode(text)


def texts() -> list[str]:
    """Our own sources, and what is hard to split."""
    sources = [path.read_text("utf-8") for path in SOURCE.parents[2].rglob("*.py")]
    odd = ["", "\n", "\n\n\n", " \n \n x", "a\n\n1", "é\n\n\té\n\n\f\nx", "x" * 5000]
    return [*sources, *odd, "a, 1,\n" * 800, "\n\n".join("abc") * 300]


def test_chunks_are_tokenized_as_the_whole_text_is(vocabulary: Vocabulary) -> None:
    cache = TokenCache(vocabulary.encode)
    for text in texts():
        assert cache.encode(text) == vocabulary.encode(text)


def test_random_cuts_are_too(vocabulary: Vocabulary) -> None:
    cache = TokenCache(vocabulary.encode)
    choose = random.Random(0)
    text = "".join(texts())
    for _ in range(300):
        start = choose.randrange(len(text))
        piece = text[start : start + choose.randrange(4000)]
        assert cache.encode(piece) == vocabulary.encode(piece)


def test_the_real_small_model_agrees(smollm2: Path) -> None:
    library.set_up()
    vocabulary = Model(smollm2, vocab_only=True).vocabulary
    cache = TokenCache(vocabulary.encode)
    assert [cache.encode(text) for text in texts()] == [
        vocabulary.encode(text) for text in texts()
    ]


def test_a_keystroke_tokenizes_only_the_paragraph_it_is_in(
    vocabulary: Vocabulary,
) -> None:
    counted = Counted(vocabulary)
    cache = TokenCache(counted)
    text = SOURCE.read_text("utf-8")
    cache.encode(text)
    counted.asked.clear()
    for n in range(1, 30):
        cache.encode(text + "\n\n    return self.other_value"[:n])
    assert max(map(len, counted.asked)) < 1200
    assert len(counted.asked) <= 31


def test_a_change_in_one_paragraph_changes_no_other_ones_tokens(
    vocabulary: Vocabulary,
) -> None:
    counted = Counted(vocabulary)
    cache = TokenCache(counted)
    cache.encode(PARAGRAPHS * 20)
    counted.asked.clear()
    cache.encode(PARAGRAPHS * 10 + "y = 4\n\n" + PARAGRAPHS * 10)
    assert counted.asked == ["\nx = 3\ny = 4\n", "\ndef one():\n    return 1\n\n"]


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
    vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_cache, "KEPT_CHARACTERS", 300)
    counted = Counted(vocabulary)
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
