"""Paragraphs have the tokens of the whole text, with the tokenizers of real models."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from random_model import VOCABULARY

from starcoder_lsp.engines import token_cache
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary
from starcoder_lsp.engines.token_cache import TokenCache

SOURCE = Path(token_cache.__file__)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    library.set_up()
    return LlamaModel(VOCABULARY, vocab_only=True).vocabulary


def texts() -> list[str]:
    """Our own sources, and what is hard to split."""
    sources = [path.read_text("utf-8") for path in SOURCE.parents[2].rglob("*.py")]
    odd = ["", "\n", "\n\n\n", " \n \n x", "a\n\n1", "é\n\n\té\n\n\f\nx", "x" * 5000]
    return [*sources, *odd, "a, 1,\n" * 800, "\n\n".join("abc") * 300]


def test_paragraphs_have_the_tokens_of_the_whole_text(vocabulary: Vocabulary) -> None:
    cache = TokenCache(vocabulary.encode)
    for text in texts():
        assert cache.encode(text) == vocabulary.encode(text)


def test_random_texts_have_the_tokens_of_the_whole_text(vocabulary: Vocabulary) -> None:
    cache = TokenCache(vocabulary.encode)
    choose = random.Random(0)
    text = "".join(texts())
    for _ in range(300):
        start = choose.randrange(len(text))
        piece = text[start : start + choose.randrange(4000)]
        assert cache.encode(piece) == vocabulary.encode(piece)


def test_the_small_model_has_the_tokens_of_the_whole_text(smollm2: Path) -> None:
    library.set_up()
    vocabulary = LlamaModel(smollm2, vocab_only=True).vocabulary
    cache = TokenCache(vocabulary.encode)
    assert [cache.encode(text) for text in texts()] == [
        vocabulary.encode(text) for text in texts()
    ]
