"""Measures how far a download is, how fast, and how long it will take."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

# The rate is that of the last seconds; older bytes say nothing about the rest.
WINDOW_S = 10.0
# The shortest time between two reports.
STEP_S = 0.25
MINUTE_S, HOUR_S = 60, 3600


@dataclass(frozen=True)
class Report:
    """The state of a download; `bytes_per_s` is 0 while it is unknown."""

    done_bytes: int
    total_bytes: int
    bytes_per_s: float = 0.0

    @property
    def share(self) -> float:
        """Return the share that is done, from 0 to 1."""
        return min(self.done_bytes / self.total_bytes, 1.0) if self.total_bytes else 0.0

    @property
    def left_s(self) -> float | None:
        """The seconds that the rest will take at this rate; None while unknown."""
        if not self.bytes_per_s or not self.total_bytes:
            return None
        return max(self.total_bytes - self.done_bytes, 0) / self.bytes_per_s

    def __str__(self) -> str:
        """Describe the state in one line.

        >>> str(Report(1_200_000_000, 4_800_000_000, 8_000_000))
        '25 % of 4.8 GB, 8.0 MB/s, 8 min left'
        """
        if not self.total_bytes:
            return "starting"
        text = f"{self.share:.0%} of {_bytes(self.total_bytes)}".replace("%", " %")
        if (left_s := self.left_s) is None:
            return text
        return f"{text}, {_bytes(self.bytes_per_s)}/s, {_duration(left_s)} left"


OnReport = Callable[[Report], None]


class Meter:
    """Turns numbers of bytes into reports, not more often than `STEP_S`."""

    def __init__(
        self, on_report: OnReport, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._on_report = on_report
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()
        self._told_at = float("-inf")

    def at(self, done_bytes: int, total_bytes: int) -> None:
        """Take note that `done_bytes` of `total_bytes` are here."""
        now = self._clock()
        if self._samples and done_bytes < self._samples[-1][1]:
            self._samples.clear()  # it started again
        self._samples.append((now, done_bytes))
        while now - self._samples[0][0] > WINDOW_S and len(self._samples) > 2:
            self._samples.popleft()
        if now - self._told_at < STEP_S and done_bytes < total_bytes:
            return
        self._told_at = now
        self._on_report(Report(done_bytes, total_bytes, self._rate()))

    def _rate(self) -> float:
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        return (last - first) / (end - start) if end > start else 0.0


def _bytes(n: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n / 1e3:.0f} kB"


def _duration(seconds: float) -> str:
    """Return a time in the two units that matter.

    >>> _duration(40), _duration(200), _duration(5000)
    ('40 s', '3 min', '1 h 23 min')
    """
    if seconds < MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    hours, rest = divmod(int(seconds), HOUR_S)
    return f"{hours} h {rest // MINUTE_S} min"
