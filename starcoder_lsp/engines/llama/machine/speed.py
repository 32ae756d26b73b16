"""Measures how fast a model is on this machine, remembers and corrects it."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from starcoder_lsp.engines import Speed
from starcoder_lsp.flow import Usage
from starcoder_lsp.runtime import private_files

logger = logging.getLogger(__name__)

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
# A smaller difference is noise, and must not change where prompts start.
NOTABLE = 0.25

# The longest time of a batch, because an abort loses the batch that it stops. Batches
# smaller than the least are slow on every machine.
BATCH_S = 1.0
LEAST_BATCH = 32

MAX_ENTRIES = 32
MAX_FILE_BYTES = 100_000


def measure(
    evaluate: Callable[[int, float], bool], clock: Callable[[], float]
) -> Speed | None:
    """Time batches of several sizes; None when it was stopped.

    `evaluate(n_tokens, deadline)` evaluates a batch and returns False when it was
    stopped or `clock()` passed the deadline.
    """
    # The first token may read the weights from the disk: it is not timed.
    if not evaluate(1, math.inf):
        return None
    started = clock()
    deadline = started + BUDGET_S

    def seconds(n_tokens: int) -> float | None:
        before = clock()
        return clock() - before if evaluate(n_tokens, deadline) else None

    decoded: list[float] = []
    # Two thirds of the time are for prefill, which decides the length of prompts.
    while len(decoded) < N_DECODED and clock() - started < BUDGET_S / 3:
        if (taken := seconds(1)) is None:
            break
        decoded.append(taken)
    prefilled = [n / taken for n in PREFILLS if (taken := seconds(n))]
    if clock() < deadline and len(prefilled) < len(PREFILLS):
        return None  # stopped, and not by the clock
    # The best of each: other processes can only make it slower.
    decode = 1 / min(decoded, default=BUDGET_S)
    return Speed(max([decode, *prefilled]), decode)


def better(one: Speed | None, other: Speed) -> Speed:
    """Return the higher of each number."""
    if one is None:
        return other
    return Speed(
        max(one.prefill_tokens_per_s, other.prefill_tokens_per_s),
        max(one.decode_tokens_per_s, other.decode_tokens_per_s),
    )


def corrected(speed: Speed, usage: Usage) -> Speed:
    """Return `speed`, moved towards that of a request if it is notably different."""
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


@dataclass(frozen=True)
class KnownSpeed:
    """A measured speed; not `is_sure` when other processes computed meanwhile."""

    speed: Speed
    is_sure: bool


class Speeds:
    """Speeds measured earlier, in one small file; a damaged file is replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> KnownSpeed | None:
        return self._read().get(key)

    def keep(self, key: str, known: KnownSpeed) -> None:
        """Save a speed, and the newest `MAX_ENTRIES` of the others."""
        entries = {name: one for name, one in self._read().items() if name != key}
        entries[key] = known
        newest = list(entries.items())[-MAX_ENTRIES:]
        rows = {name: _row(one) for name, one in newest}
        try:
            private_files.folder(self._path.parent)
            private_files.write(self._path, json.dumps(rows, indent=1).encode())
        except OSError as exc:
            logger.info("the measured speed is not kept: %s", exc)

    def _read(self) -> dict[str, KnownSpeed]:
        try:
            rows = json.loads(private_files.read(self._path, MAX_FILE_BYTES))
            return {
                name: KnownSpeed(Speed(prefill, decode), is_sure)
                for name, (prefill, decode, is_sure) in rows.items()
                if _is_sound(prefill) and _is_sound(decode)
            }
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}


def _is_sound(value: object) -> bool:
    return isinstance(value, float) and 0 < value < math.inf


def _row(known: KnownSpeed) -> list[float | bool]:
    speed = known.speed
    return [speed.prefill_tokens_per_s, speed.decode_tokens_per_s, known.is_sure]
