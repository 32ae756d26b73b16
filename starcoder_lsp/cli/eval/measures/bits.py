"""The bits per character that a model needs for the gold line, given a context."""

from __future__ import annotations

import math

from starcoder_lsp.engines import Engine
from starcoder_lsp.flow import Control, Limits, Prompt, Text

CONTEXT_TOKENS = 650
PREFIX_TOKENS = 350
SEPARATOR = "<file_sep>"
# A busy machine may take minutes for a thousand tokens, and no row may be lost.
PATIENCE = Limits(time_budget_ms=600_000)


async def bits_per_character(
    engine: Engine, context: str, prefix: str, gold: str
) -> float:
    """Bits per character of `gold` after a context and a prefix, which are not cut."""
    head = (Text(context), Control(SEPARATOR)) if context else ()
    prompt = Prompt((*head, Text(prefix)))
    (score,) = await engine.score(prompt, [gold], PATIENCE)
    return -score.log_probability / math.log(2) / len(gold)


async def last_tokens(engine: Engine, text: str, n_tokens: int) -> str:
    """The end of `text` that has at most `n_tokens` tokens."""
    return await _fitted(engine, text, n_tokens, from_end=True)


async def first_tokens(engine: Engine, text: str, n_tokens: int) -> str:
    return await _fitted(engine, text, n_tokens, from_end=False)


async def _fitted(engine: Engine, text: str, n_tokens: int, *, from_end: bool) -> str:
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        (count,) = await engine.count_tokens([_part(text, middle, from_end)])
        low, high = (middle, high) if count <= n_tokens else (low, middle - 1)
    return _part(text, low, from_end)


def _part(text: str, n_characters: int, from_end: bool) -> str:
    return text[len(text) - n_characters :] if from_end else text[:n_characters]
