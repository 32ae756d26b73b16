"""Converts text to token ids and back, with llama.cpp's own tokenizer."""

from __future__ import annotations

import bisect
import ctypes
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import llama_cpp as llama

VOCAB_SENTENCEPIECE = 1  # LLAMA_VOCAB_TYPE_SPM


class Vocabulary:
    """The tokenizer of a loaded model."""

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer
        self._controls: dict[str, int | None] = {}
        self.n_tokens = int(llama.llama_vocab_n_tokens(pointer))
        sentencepiece = llama.llama_vocab_type(pointer) == VOCAB_SENTENCEPIECE
        # A SentencePiece tokenizer puts a space before each text. With "\n" in front of
        # the text the space is there, and these tokens are dropped (encode_infilling in
        # https://github.com/meta-llama/codellama/blob/main/llama/tokenizer.py).
        self._lead = "\n" if sentencepiece else ""
        self._n_lead = len(self._encode(self._lead, special=False))

    @property
    def beginning(self) -> list[int]:
        """The tokens that every prompt of the model starts with: one or none."""
        if not llama.llama_vocab_get_add_bos(self.pointer):
            return []
        return [int(llama.llama_vocab_bos(self.pointer))]

    def encode(self, text: str) -> list[int]:
        """Tokenize user text; the spelling of a control token stays text in it."""
        return self._encode(self._lead + text, special=False)[self._n_lead :]

    def control(self, token: str) -> int | None:
        """Return the id of a control token by its exact text, or None."""
        if token not in self._controls:
            self._controls[token] = self._find_control(token)
        return self._controls[token]

    def warm(self) -> None:
        """Sort the spellings now, so that the first request with healing is fast."""
        self.agreeing(b"a")

    def _find_control(self, token: str) -> int | None:
        ids = self._encode(token, special=True)
        if len(ids) == 1 and self.text_of(ids[0]) == token:
            return ids[0]
        # Converters of SentencePiece models do not mark all control tokens as such.
        every = range(self.n_tokens)
        return next((i for i in every if self.text_of(i) == token), None)

    def text_of(self, token: int) -> str:
        """Return the entry of the vocabulary, which spells some bytes differently."""
        raw = llama.llama_vocab_get_text(self.pointer, token)
        return bytes(raw).decode(errors="replace")

    def bytes_of(self, token: int) -> bytes:
        """Return the bytes that a token stands for; none for a control token."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            n = llama.llama_token_to_piece(self.pointer, token, buffer, size, 0, False)
            if n >= 0:
                return buffer.raw[:n]
            size = -n

    def is_end(self, token: int) -> bool:
        """True for each token that the model ends a text with."""
        return bool(llama.llama_vocab_is_eog(self.pointer, token))

    def agreeing(self, text: bytes) -> list[int]:
        """Return the tokens that begin with `text`, or that `text` begins with."""
        spellings, ids = self._sorted
        first = bisect.bisect_left(spellings, text)
        last = bisect.bisect_left(spellings, text + b"\xff" * 8)
        longer = ids[first:last]
        shorter = [
            ids[i]
            for length in range(1, len(text))
            for i in _equal_range(spellings, text[:length])
        ]
        return longer + shorter

    @cached_property
    def _sorted(self) -> tuple[list[bytes], list[int]]:
        rows = sorted(
            (spelling, token)
            for token in range(self.n_tokens)
            if (spelling := self.bytes_of(token))
        )
        return [spelling for spelling, _ in rows], [token for _, token in rows]

    def _encode(self, text: str, *, special: bool) -> list[int]:
        raw = text.encode(errors="replace")
        size = len(raw) + 2
        while True:
            tokens = (llama.llama_token * size)()
            n = llama.llama_tokenize(
                self.pointer, raw, len(raw), tokens, size, False, special
            )
            if n >= 0:
                return list(tokens[:n])
            size = -n


def _equal_range(spellings: Sequence[bytes], text: bytes) -> range:
    return range(
        bisect.bisect_left(spellings, text), bisect.bisect_right(spellings, text)
    )
