"""Fits a prompt into the context of a model, and into the time there is to read it.

For engines that tokenize prompts themselves: they turn a prompt into parts, and evaluate
the tokens that `fit` returns. Only tokens that no KV cache holds take time. A prompt that
would take too long is tried smaller, on a coarse ladder, so that it stays the same while
the user types.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Literal

from starcoder_lsp.engines import Speed
from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.flow import Control, Group, Limits, Prompt, Segment
from starcoder_lsp.languages.lines import n_common

# Shares of the whole budget that a prompt may have, the largest first.
RUNGS = (1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
# Prompt tokens per second, before anything is known of this machine.
UNMEASURED_PER_S = 500.0
# The first line of a usual suggestion, in tokens.
USUAL_LINE = 12.0
# Where writing alone takes longer than the target, reading gets this share of it.
LEAST_READ_SHARE = 1 / 3
# A smaller prompt says too little.
LEAST_TOKENS = 64
# The suffix keeps at least this share of a prompt that has to be shortened.
SUFFIX_SHARE = 0.25
# A text is shortened by multiples of this part of the budget.
CUT_STEPS = 8

# Returns how many new tokens a prompt may have, by its length.
Affordable = Callable[[int], float]
Cut = Literal["start", "end", "never", "whole"]


@dataclass(frozen=True)
class Part:
    """The tokens of one segment or group, and how they may be shortened."""

    tokens: Sequence[int]
    cut: Cut


@dataclass(frozen=True)
class Fitted:
    """The tokens to read now, and the `whole` prompt to read when there is time."""

    tokens: list[int]
    whole: list[int]


def parts_of(
    prompt: Prompt,
    encode: Callable[[str], list[int]],
    control: Callable[[str], int | None],
    beginning: Sequence[int] = (),
) -> list[Part]:
    """Tokenize a prompt.

    `encode` tokenizes user text with special parsing off, `control` finds the id of a
    control token, and `beginning` are the tokens that every prompt of the model starts
    with. Raises ModelBroken when the model lacks a control token.
    """

    def tokens(segment: Segment) -> list[int]:
        if not isinstance(segment, Control):
            return encode(segment.text)
        if (found := control(segment.token)) is None:
            raise ModelBroken(f"the model has no token {segment.token}")
        return [found]

    parts = [Part(beginning, "never")]
    for item in prompt.segments:
        if isinstance(item, Group):
            rows = map(tokens, item.segments)
            parts.append(Part([token for row in rows for token in row], "whole"))
        else:
            parts.append(Part(tokens(item), item.cut))
    return parts


def prompt_budget(n_context: int, n_answer: int) -> int:
    """Return how many tokens a prompt may have beside an answer of `n_answer`.

    However long an answer may be, half of the context is for the prompt.
    """
    return n_context - min(n_answer, n_context // 2) - 1


def n_affordable(
    limits: Limits, speed: Speed | None, n_line: float = USUAL_LINE
) -> Affordable | None:
    """Return how many new tokens can be read in time; None for any number.

    `latency_target_ms` is for the first line, which has `n_line` tokens: what writing it
    behind the whole prompt leaves is for reading.
    """
    if not limits.latency_target_ms:
        return None
    target_s = limits.latency_target_ms / 1000
    if speed is None:
        return lambda n_prompt: target_s * UNMEASURED_PER_S
    read_per_s = speed.prefill_tokens_per_s

    def affordable(n_prompt: int) -> float:
        left_s = target_s - speed.latency_s - n_line * speed.decode_s(n_prompt)
        return max(left_s, target_s * LEAST_READ_SHARE) * read_per_s

    return affordable


def fit(
    parts: Sequence[Part],
    budget: int,
    caches: Sequence[Sequence[int]] = (),
    affordable: Affordable | None = None,
) -> Fitted:
    """Return the largest prompt of which so many tokens are in no cache as `affordable`.

    `budget` is how many tokens fit at all, `caches` are the tokens that KV caches hold.
    If each prompt has more new tokens than affordable, the one that comes nearest is
    returned. Raises ModelBroken when the parts that are never cut do not fit.
    """
    parts = list(_joined(parts))
    whole = shortened(parts, budget)
    if affordable is None:
        return Fitted(whole, whole)
    least, best = math.inf, whole
    for tokens in _ladder(parts, budget, whole):
        cached = max((n_common(cache, tokens) for cache in caches), default=0)
        n_new = len(tokens) - cached
        excess = n_new - affordable(len(tokens))
        if excess <= 0:
            return Fitted(tokens, whole)
        if excess < least:
            least, best = excess, tokens
    return Fitted(best, whole)


def _joined(parts: Iterable[Part]) -> Iterator[Part]:
    """Join neighbours that are shortened from the same end: they are one text."""
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
    """Return the tokens of all parts, cut to `budget`. Raises ModelBroken as `fit`.

    The first groups are dropped first; then the suffix loses its end, down to its
    share, and the prefix its start.
    """
    kept = [list(part.tokens) for part in parts]
    excess = sum(map(len, kept)) - budget
    for i in _indexes(parts, "whole"):
        if excess > 0:
            excess -= len(kept[i])
            kept[i] = []
    # In steps: an end that moves with each token would invalidate the KV cache.
    grid = max(budget // CUT_STEPS, 1)
    floor = int(budget * SUFFIX_SHARE)
    for i in _indexes(parts, "end"):
        n_cut = min(_rounded_up(grid, excess), max(len(kept[i]) - floor, 0))
        kept[i] = kept[i][: len(kept[i]) - n_cut]
        excess -= n_cut
    for i in _indexes(parts, "start"):
        n_cut = min(_rounded_up(grid, excess), len(kept[i]))
        kept[i] = kept[i][n_cut:]
        excess -= n_cut
    if excess > 0:
        raise ModelBroken(f"the prompt is {excess} tokens longer than the context")
    return [token for tokens in kept for token in tokens]


def _indexes(parts: Sequence[Part], cut: Cut) -> list[int]:
    return [i for i, part in enumerate(parts) if part.cut == cut]


def _rounded_up(grid: int, amount: int) -> int:
    """Return the smallest multiple of `grid` that is at least `amount` and 0."""
    return max(-(-amount // grid) * grid, 0)
