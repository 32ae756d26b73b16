"""Codestral's control tokens in the tokenizer that its makers publish in mistral-common.

The package is not a dependency. To run these tests: pip install --no-deps mistral-common
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from starcoder_lsp.completion.prompt import families

# Codestral-22B has the tokenizer of version 3 (MODEL_NAME_TO_TOKENIZER_CLS there).
FILE = Path("data", "mistral_instruct_tokenizer_240323.model.v3")
# SentencePiece.Type in sentencepiece_model.proto.
CONTROL = 3


def varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return a number of protobuf's wire format, and the place behind it."""
    value = shift = 0
    while True:
        value |= (raw[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if raw[at - 1] < 0x80:
            return value, at


def fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the numbers and the values of a protobuf message's fields."""
    at = 0
    while at < len(raw):
        key, at = varint(raw, at)
        if key & 7 == 0:
            value, at = varint(raw, at)
            yield key >> 3, value
            continue
        length, at = varint(raw, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
        yield key >> 3, raw[at : at + length]
        at += length


@pytest.fixture(scope="module")
def pieces() -> list[tuple[str, int]]:
    """Return the text and the type of each token, in the order of their ids."""
    spec = importlib.util.find_spec("mistral_common")
    if spec is None or spec.origin is None:
        pytest.skip("mistral-common is not installed")
    model = fields((Path(spec.origin).parent / FILE).read_bytes())
    found = []
    for number, value in model:
        if number != 1 or not isinstance(value, bytes):
            continue
        piece = dict(fields(value))
        text, kind = piece[1], piece.get(3, 1)
        assert isinstance(text, bytes)
        assert isinstance(kind, int)
        found.append((text.decode(), kind))
    return found


def test_codestrals_control_tokens_are_single_tokens(
    pieces: list[tuple[str, int]],
) -> None:
    texts = [text for text, _ in pieces]
    for token in families()["codestral"].controls:
        assert texts.count(token) == 1


def test_codestrals_stops_are_control_tokens(pieces: list[tuple[str, int]]) -> None:
    controls = {text for text, kind in pieces if kind == CONTROL}
    assert controls >= set(families()["codestral"].stops)
