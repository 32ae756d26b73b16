"""How fast a model is on this machine: measured once, remembered, corrected by use."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from starcoder_lsp.engines import Speed
from starcoder_lsp.flow import Usage
from starcoder_lsp.runtime import private_files

logger = logging.getLogger(__name__)

# Measuring takes no longer, once the weights have been read.
BUDGET_S = 1.5
N_DECODED = 8
# Large batches are faster; the small one is for machines that never finish the others.
PREFILLS = (16, 128, 128)

# A request that reads this much says how fast we are; a smaller one may be slowed down
# by all that is not reading, but is never too fast.
TELLING_TOKENS = 64
FEW_TOKENS = 8
# What differs less is noise, and moves no prompt's start.
NOTABLE = 0.25

# What a batch takes at most, for an abort loses the one that it ends; smaller ones than
# the least are slow on every machine.
BATCH_S = 1.0
LEAST_BATCH = 32

MAX_ENTRIES = 32
MAX_FILE_BYTES = 100_000


def measure(
    evaluate: Callable[[int, float], bool], clock: Callable[[], float]
) -> Speed | None:
    """Time batches of several sizes; None when the model is wanted for something else.

    `evaluate(n_tokens, deadline)` says whether it finished in time.
    """
    # The first token reads the weights from the disk, however long that takes.
    if not evaluate(1, math.inf):
        return None
    started = clock()
    deadline = started + BUDGET_S

    def seconds(n_tokens: int) -> float | None:
        before = clock()
        return clock() - before if evaluate(n_tokens, deadline) else None

    decoded: list[float] = []
    # Most of the time is for reading, which says how long a prompt may be.
    while len(decoded) < N_DECODED and clock() - started < BUDGET_S / 3:
        if (taken := seconds(1)) is None:
            break
        decoded.append(taken)
    prefilled = [n / taken for n in PREFILLS if (taken := seconds(n))]
    if clock() < deadline and len(prefilled) < len(PREFILLS):
        return None  # stopped, and not by the clock
    # The best of each: whatever else computes can only take time away.
    decode = 1 / min(decoded, default=BUDGET_S)
    return Speed(max([decode, *prefilled]), decode)


def better(one: Speed | None, other: Speed) -> Speed:
    if one is None:
        return other
    return Speed(
        max(one.prefill_tokens_per_s, other.prefill_tokens_per_s),
        max(one.decode_tokens_per_s, other.decode_tokens_per_s),
    )


def corrected(speed: Speed, usage: Usage) -> Speed:
    """`speed`, moved towards what a request showed when that was notably different."""
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
    """How many tokens to read at once.

    >>> [n_per_batch(256, speed and Speed(speed, 1)) for speed in (None, 900, 100, 5)]
    [256, 256, 100, 32]
    """
    if speed is None:
        return n_most
    return min(max(int(speed.prefill_tokens_per_s * BATCH_S), LEAST_BATCH), n_most)


@dataclass(frozen=True)
class Known:
    """A speed; not sure when the machine had something else to do meanwhile."""

    speed: Speed
    is_sure: bool


class Speeds:
    """What was measured earlier, in one small file; a damaged one is written anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> Known | None:
        return self._read().get(key)

    def keep(self, key: str, known: Known) -> None:
        entries = {name: one for name, one in self._read().items() if name != key}
        entries[key] = known
        newest = list(entries.items())[-MAX_ENTRIES:]
        rows = {name: [*astuple(one.speed), one.is_sure] for name, one in newest}
        try:
            private_files.folder(self._path.parent)
            private_files.write(self._path, json.dumps(rows, indent=1).encode())
        except OSError as exc:
            logger.info("the measured speed is not kept: %s", exc)

    def _read(self) -> dict[str, Known]:
        try:
            rows = json.loads(private_files.read(self._path, MAX_FILE_BYTES))
            return {
                name: Known(Speed(prefill, decode), is_sure)
                for name, (prefill, decode, is_sure) in rows.items()
                if _is_sound(prefill) and _is_sound(decode)
            }
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}


def _is_sound(value: object) -> bool:
    return isinstance(value, float) and 0 < value < math.inf
