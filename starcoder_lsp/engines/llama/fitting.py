"""Makes a prompt fit into the context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starcoder_lsp.errors import ModelBroken

# The suffix keeps at least this share of a prompt that has to be shortened.
SUFFIX_SHARE = 0.25
# What is too long loses a multiple of this part of the budget.
CUT_STEPS = 8

Cut = Literal["start", "end", "never"]


@dataclass
class Part:
    """The tokens of one segment."""

    tokens: list[int]
    cut: Cut


def shorten(parts: list[Part], budget: int) -> None:
    """Cut parts where they may be cut until all fit into `budget` tokens.

    The end of the suffix goes first, down to its share, then the start of the prefix.
    """
    excess = sum(len(part.tokens) for part in parts) - budget
    floor = int(budget * SUFFIX_SHARE)
    # In steps: an end that moves with each token would void the KV cache.
    grid = max(budget // CUT_STEPS, 1)
    for part in parts:
        if part.cut == "end" and excess > 0:
            n_cut = min(_up_to(grid, excess), max(len(part.tokens) - floor, 0))
            part.tokens = part.tokens[: len(part.tokens) - n_cut]
            excess -= n_cut
    for part in parts:
        if part.cut == "start" and excess > 0:
            n_cut = min(_up_to(grid, excess), len(part.tokens))
            part.tokens = part.tokens[n_cut:]
            excess -= n_cut
    if excess > 0:
        raise ModelBroken(f"the prompt is {excess} tokens longer than the context")


def _up_to(grid: int, amount: int) -> int:
    """The multiple of `grid` that is at least `amount`."""
    return -(-amount // grid) * grid
