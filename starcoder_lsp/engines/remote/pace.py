"""Learns how far away a server is, and how fast it reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starcoder_lsp.engines import Speed

# The weight of the newest measurement: the load of a shared server changes.
NEWEST_SHARE = 0.3
# Fewer tokens measure no speed.
LEAST_READ, LEAST_WRITTEN = 32, 4
# A route becomes slower at times; the smallest measurement is forgotten so slowly.
DRIFT = 1.02
# An answer that takes no time at all was not computed just then.
LEAST_MS = 0.05


@dataclass(frozen=True)
class Measured:
    """The cost of one answer: tokens, and milliseconds at the server or as seen here."""

    n_read: int
    read_ms: float
    n_written: int
    written_ms: float


class Pace:
    """The latency of a server and its speed without it; None before they are measured."""

    def __init__(self) -> None:
        self.latency_s: float | None = None
        self._read_per_s: float | None = None
        self._written_per_s: float | None = None

    @property
    def speed(self) -> Speed | None:
        if self._read_per_s is None or self._written_per_s is None:
            return None
        return Speed(
            self._read_per_s, self._written_per_s, latency_s=self.latency_s or 0.0
        )

    def note_round_trip(self, seconds: float) -> None:
        """Note the time of an answer that needs no model."""
        older = self.latency_s
        self.latency_s = seconds if older is None else min(seconds, older * DRIFT)

    def learn(self, cost: Measured) -> None:
        if cost.n_read >= LEAST_READ:
            self._read_per_s = _averaged(self._read_per_s, cost.n_read, cost.read_ms)
        if cost.n_written >= LEAST_WRITTEN:
            self._written_per_s = _averaged(
                self._written_per_s, cost.n_written, cost.written_ms
            )


def _averaged(older: float | None, n_tokens: int, time_ms: float) -> float:
    per_s = n_tokens / max(time_ms, LEAST_MS) * 1000
    return per_s if older is None else older + NEWEST_SHARE * (per_s - older)


class ReadBefore:
    """The last prompts that were sent, which the server has probably still in its cache."""

    N_KEPT = 4

    def __init__(self) -> None:
        self.prompts: list[Sequence[int]] = []

    def add(self, units: Sequence[int]) -> None:
        self.prompts = [units, *self.prompts][: self.N_KEPT]
