"""How fast a model is on this machine: measured once, remembered, corrected by use."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from starcoder_lsp import private
from starcoder_lsp.engines import Speed
from starcoder_lsp.flow import Usage

logger = logging.getLogger(__name__)

# Measuring takes no longer, once the weights have been read.
BUDGET_S = 1.5
N_DECODED = 8
# Large batches are faster; the small one is for machines that never finish the other.
PREFILLS = (16, 128)
N_MEASURED = 1 + N_DECODED + sum(PREFILLS)

# A request that reads this much says how fast we are.
TELLING_TOKENS = 64
# What differs less is noise, and moves no prompt's start.
NOTABLE = 0.25

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

    decoded = [taken for _ in range(N_DECODED) if (taken := seconds(1)) is not None]
    prefilled = [n / taken for n in PREFILLS if (taken := seconds(n))]
    if clock() < deadline and len(prefilled) < len(PREFILLS):
        return None  # stopped, and not by the clock
    decode = len(decoded) / sum(decoded) if decoded else 1 / BUDGET_S
    return Speed(max([decode, *prefilled[-1:]]), decode)


def corrected(speed: Speed, usage: Usage) -> Speed:
    """`speed`, moved towards what a request showed when that was notably different."""
    if usage.evaluated_tokens < TELLING_TOKENS or not usage.first_token_ms:
        return speed
    seen = usage.evaluated_tokens / usage.first_token_ms * 1000
    if abs(seen / speed.prefill_tokens_per_s - 1) < NOTABLE:
        return speed
    middle = math.sqrt(seen * speed.prefill_tokens_per_s)
    return replace(speed, prefill_tokens_per_s=middle)


class Speeds:
    """What was measured earlier, in one small file; a damaged one is written anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> Speed | None:
        return self._read().get(key)

    def keep(self, key: str, speed: Speed) -> None:
        entries = {name: one for name, one in self._read().items() if name != key}
        entries[key] = speed
        newest = list(entries.items())[-MAX_ENTRIES:]
        text = json.dumps({name: asdict(one) for name, one in newest}, indent=1)
        try:
            private.folder(self._path.parent)
            private.write(self._path, text.encode())
        except OSError as exc:
            logger.info("the measured speed is not kept: %s", exc)

    def _read(self) -> dict[str, Speed]:
        try:
            rows = json.loads(private.read(self._path, MAX_FILE_BYTES))
            entries = {name: Speed(**row) for name, row in rows.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}
        return {name: one for name, one in entries.items() if _is_sound(one)}


def _is_sound(speed: Speed) -> bool:
    values = (speed.prefill_tokens_per_s, speed.decode_tokens_per_s)
    return all(isinstance(value, float) and 0 < value < math.inf for value in values)
