"""Measures how fast a model is on this machine, and corrects it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from starcoder_lsp.engines import Speed
from starcoder_lsp.flow import Usage

# The longest time for measuring, after the weights have been read.
BUDGET_S = 1.5
N_DECODED = 8
# Sizes of batches. Large ones are faster per token; the small one is for machines that
# do not finish the others.
PREFILLS = (16, 128, 128)

# A request with so many new tokens shows the speed. One with fewer may be slow for other
# reasons; if it is fast, it counts.
TELLING_TOKENS = 64
FEW_TOKENS = 8
# The same for writing.
FEW_WRITTEN = 4
# A smaller difference is noise, and must not change where prompts start.
NOTABLE = 0.25

# The longest time of a batch, because an abort loses the batch that it stops. Batches
# smaller than the least are slow on every machine.
BATCH_S = 1.0
LEAST_BATCH = 32


@dataclass(frozen=True)
class Effort:
    """Bounds a measurement: its time, its single tokens and its batches."""

    budget_s: float
    n_decoded: int
    prefills: tuple[int, ...]


THOROUGH = Effort(BUDGET_S, N_DECODED, PREFILLS)
# While a model loads, so that the first prompt is already sized by a measurement.
QUICK = Effort(0.3, 3, (32,))


def measure(
    evaluate: Callable[[int, float], bool],
    clock: Callable[[], float],
    effort: Effort = THOROUGH,
) -> Speed | None:
    """Time batches of several sizes; None when it was stopped.

    `evaluate(n_tokens, deadline)` evaluates a batch and returns False when it was
    stopped or `clock()` passed the deadline.
    """
    # The first token may read the weights from the disk: it is not timed.
    if not evaluate(1, math.inf):
        return None
    started = clock()
    deadline = started + effort.budget_s

    def seconds(n_tokens: int) -> float | None:
        before = clock()
        return clock() - before if evaluate(n_tokens, deadline) else None

    decoded: list[float] = []
    # Two thirds of the time are for prefill, which decides the length of prompts.
    while len(decoded) < effort.n_decoded and clock() < started + effort.budget_s / 3:
        if (taken := seconds(1)) is None:
            break
        decoded.append(taken)
    prefilled = [n / taken for n in effort.prefills if (taken := seconds(n))]
    if clock() < deadline and len(prefilled) < len(effort.prefills):
        return None  # stopped, and not by the clock
    # The best of each: other processes can only make it slower.
    decode = 1 / min(decoded, default=effort.budget_s)
    return Speed(max([decode, *prefilled]), decode)


def better(one: Speed | None, other: Speed) -> Speed:
    """Return the higher of each number."""
    if one is None:
        return other
    return Speed(
        max(one.prefill_tokens_per_s, other.prefill_tokens_per_s),
        max(one.decode_tokens_per_s, other.decode_tokens_per_s),
        other.decode_s_per_depth or one.decode_s_per_depth,
    )


def corrected(speed: Speed, usage: Usage) -> Speed:
    """Return `speed`, moved towards that of a request where it is notably different."""
    return _with_prefill(_with_decode(speed, usage), usage)


def _with_decode(speed: Speed, usage: Usage) -> Speed:
    n_steps = usage.generated_tokens - 1
    decode_s = (usage.total_ms - usage.first_token_ms) / 1000
    if n_steps < FEW_WRITTEN or decode_s <= 0:
        return speed
    ratio = decode_s / n_steps / speed.decode_s(usage.prompt_tokens)
    if abs(ratio - 1) < NOTABLE:
        return speed
    middle = math.sqrt(ratio)
    return replace(
        speed,
        decode_tokens_per_s=speed.decode_tokens_per_s / middle,
        decode_s_per_depth=speed.decode_s_per_depth * middle,
    )


def _with_prefill(speed: Speed, usage: Usage) -> Speed:
    if usage.evaluated_tokens < FEW_TOKENS or not usage.first_token_ms:
        return speed
    seen = usage.evaluated_tokens / usage.first_token_ms * 1000
    is_slower = seen < speed.prefill_tokens_per_s
    if is_slower and usage.evaluated_tokens < TELLING_TOKENS:
        return speed
    if abs(seen / speed.prefill_tokens_per_s - 1) < NOTABLE:
        return speed
    middle = math.sqrt(seen * speed.prefill_tokens_per_s)
    return replace(speed, prefill_tokens_per_s=middle)


def n_per_batch(n_most: int, speed: Speed | None) -> int:
    """Return the size of prefill batches, at most `n_most`.

    >>> [n_per_batch(256, speed and Speed(speed, 1)) for speed in (None, 900, 100, 5)]
    [256, 256, 100, 32]
    """
    if speed is None:
        return n_most
    return min(max(int(speed.prefill_tokens_per_s * BATCH_S), LEAST_BATCH), n_most)
