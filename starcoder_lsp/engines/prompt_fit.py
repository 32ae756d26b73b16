"""Makes a prompt as large as the context and the time to read it allow.

Only tokens that no KV cache holds take time. A prompt that would take too long is
tried smaller, on a coarse ladder, so that it stays the same while the user types.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Literal

from starcoder_lsp.engines import Speed
from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.flow import Limits
from starcoder_lsp.languages.lines import n_common

# Shares of the whole budget that a prompt may have, the largest first.
RUNGS = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
# Prompt tokens per second, before anything is known of this machine.
UNMEASURED_PER_S = 500.0
# A smaller prompt says too little.
LEAST_TOKENS = 64
# The suffix keeps at least this share of a prompt that has to be shortened.
SUFFIX_SHARE = 0.25
# What is too long loses a multiple of this part of the budget.
CUT_STEPS = 8

Cut = Literal["start", "end", "never", "whole"]


@dataclass(frozen=True)
class Part:
    """The tokens of one segment or group, and how they may be shortened."""

    tokens: Sequence[int]
    cut: Cut


@dataclass(frozen=True)
class Fitted:
    """What to read now, and what to read when nobody waits."""

    tokens: list[int]
    whole: list[int]


def n_affordable(limits: Limits, speed: Speed | None) -> float | None:
    """How many new tokens can be read in time; None for as many as there are."""
    if not limits.latency_target_ms:
        return None
    per_s = speed.prefill_tokens_per_s if speed else UNMEASURED_PER_S
    return limits.latency_target_ms * per_s / 1000


def fit(
    parts: Sequence[Part],
    budget: int,
    caches: Sequence[Sequence[int]] = (),
    affordable: float | None = None,
) -> Fitted:
    """The largest prompt of which at most `affordable` tokens are in no cache.

    Where none is that small, the one with the fewest. Raises ModelBroken when not
    even what may not be cut fits.
    """
    parts = list(_joined(parts))
    whole = shortened(parts, budget)
    if affordable is None:
        return Fitted(whole, whole)
    fewest, best = len(whole) + 1, whole
    for tokens in _ladder(parts, budget, whole):
        cached = max((n_common(cache, tokens) for cache in caches), default=0)
        n_new = len(tokens) - cached
        if n_new <= affordable:
            return Fitted(tokens, whole)
        if n_new < fewest:
            fewest, best = n_new, tokens
    return Fitted(best, whole)


def _joined(parts: Iterable[Part]) -> Iterator[Part]:
    """Neighbours that are shortened from the same end are one text with marks in it."""
    for cut, alike in groupby(parts, attrgetter("cut")):
        if cut in ("start", "end"):
            yield Part([token for part in alike for token in part.tokens], cut)
        else:
            yield from alike


def _ladder(
    parts: Sequence[Part], budget: int, whole: list[int]
) -> Iterator[list[int]]:
    yield whole
    fixed = sum(len(part.tokens) for part in parts if part.cut == "never")
    for share in RUNGS[1:]:
        rung = int(budget * share)
        if max(fixed + 1, LEAST_TOKENS) <= rung < len(whole):
            yield shortened(parts, rung)


def shortened(parts: Sequence[Part], budget: int) -> list[int]:
    """The tokens of all parts, cut until they fit.

    The first groups go first, then the end of the suffix, down to its share, then the
    start of the prefix.
    """
    kept = [list(part.tokens) for part in parts]
    excess = sum(map(len, kept)) - budget
    for i in _which(parts, "whole"):
        if excess > 0:
            excess -= len(kept[i])
            kept[i] = []
    # In steps: an end that moves with each token would void the KV cache.
    grid = max(budget // CUT_STEPS, 1)
    floor = int(budget * SUFFIX_SHARE)
    for i in _which(parts, "end"):
        n_cut = min(_up_to(grid, excess), max(len(kept[i]) - floor, 0))
        kept[i] = kept[i][: len(kept[i]) - n_cut]
        excess -= n_cut
    for i in _which(parts, "start"):
        n_cut = min(_up_to(grid, excess), len(kept[i]))
        kept[i] = kept[i][n_cut:]
        excess -= n_cut
    if excess > 0:
        raise ModelBroken(f"the prompt is {excess} tokens longer than the context")
    return [token for tokens in kept for token in tokens]


def _which(parts: Sequence[Part], cut: Cut) -> list[int]:
    return [i for i, part in enumerate(parts) if part.cut == cut]


def _up_to(grid: int, amount: int) -> int:
    """The multiple of `grid` that is at least `amount`, and at least 0."""
    return max(-(-amount // grid) * grid, 0)
