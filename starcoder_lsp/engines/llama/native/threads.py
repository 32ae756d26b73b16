"""Chooses how many threads compute, by the time that batches take.

On an idle machine all cores are fastest. As soon as another process computes, the threads
wait for the one whose core is taken, and one thread alone is often several times faster.
So the choice follows what is observed, at every batch: when batches take more than 1.5
times what they took before, other numbers of threads are tried; and now and then they are
tried anyway.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

# A speed of less than two thirds of the usual one is a reason to try something else.
BROKEN = 1.5
# The weight of the newest batch in the moving average.
NEWEST_SHARE = 0.5
# Another number is tried after so many batches; longer each time that it is worse.
PATIENCE, LONGEST_PATIENCE = 32, 2048
# A number of threads that was tried has to be so much faster.
LEAST_GAIN = 1.05


@dataclass
class ThreadCount:
    """A number of threads, and the seconds per token that it took lately."""

    n_threads: int
    seconds: float = math.inf
    patience: int = PATIENCE
    n_waited: int = 0

    def saw(self, seconds: float) -> None:
        known = self.seconds if self.seconds < math.inf else seconds
        self.seconds = known + NEWEST_SHARE * (seconds - known)


@dataclass
class ThreadChoice:
    """Chooses among `numbers` of threads for batches of one kind; the first is usual."""

    numbers: tuple[int, ...]
    _candidates: list[ThreadCount] = field(init=False)
    _at: int = 0
    _trial: int | None = None
    _usual_s: float = math.inf

    def __post_init__(self) -> None:
        self._candidates = [ThreadCount(n) for n in self.numbers]

    @property
    def n_threads(self) -> int:
        """The number of threads for the next batch."""
        at = self._at if self._trial is None else self._trial
        return self._candidates[at].n_threads

    @property
    def n_settled(self) -> int:
        """The number of threads that is fastest, as far as is known."""
        return self._candidates[self._at].n_threads

    def saw(self, seconds: float) -> None:
        """Note the seconds per token of a batch with `n_threads` threads."""
        if len(self._candidates) == 1:
            return
        if self._trial is None:
            self._saw_usual(seconds)
        else:
            self._saw_trial(seconds)

    def _saw_usual(self, seconds: float) -> None:
        current = self._candidates[self._at]
        current.saw(seconds)
        is_broken = current.seconds > BROKEN * self._usual_s
        self._usual_s = min(self._usual_s, current.seconds)
        for i, other in enumerate(self._candidates):
            if i == self._at:
                continue
            other.n_waited += 1
            if is_broken:
                other.patience = PATIENCE
            if is_broken or other.n_waited >= other.patience:
                self._trial, other.n_waited = i, 0
                # From now on this is usual: the prompt may only have become longer.
                self._usual_s = current.seconds
                return

    def _saw_trial(self, seconds: float) -> None:
        assert self._trial is not None
        current, tried = self._candidates[self._at], self._candidates[self._trial]
        tried.seconds = seconds
        if seconds * LEAST_GAIN < current.seconds:
            current.n_waited, current.patience = 0, PATIENCE
            self._at, self._usual_s = self._trial, seconds
        else:
            tried.patience = min(tried.patience * 2, LONGEST_PATIENCE)
        self._trial = None


def choices(n_most: int) -> tuple[int, ...]:
    """Return the numbers of threads worth trying, the usual one first.

    >>> choices(1), choices(2), choices(16)
    ((1,), (2, 1), (16, 8, 1))
    """
    return tuple(sorted({n_most, max(n_most // 2, 1), 1}, reverse=True))


class Threads:
    """The numbers of threads for single tokens and for batches, chosen separately.

    The kernels that read large batches are limited by computing, those that write single
    tokens by memory.
    """

    # Between one token and this many, a batch tells neither speed.
    LEAST_BATCH = 32

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.decode, self.batch = ThreadChoice(numbers), ThreadChoice(numbers)

    def n_for(self, n_tokens: int) -> int:
        if n_tokens >= self.LEAST_BATCH:
            return self.batch.n_threads
        return self.decode.n_threads if n_tokens == 1 else self.decode.n_settled

    def saw(self, n_tokens: int, seconds: float) -> None:
        """Note how long a batch took that had the number of threads of `n_for`."""
        if n_tokens == 1:
            self.decode.saw(seconds)
        elif n_tokens >= self.LEAST_BATCH:
            self.batch.saw(seconds / n_tokens)
