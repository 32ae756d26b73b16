"""Estimates with 95 % intervals: shares, pass@k, means and paired differences."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import mean

# The quantile of the normal distribution for 95 %.
Z = 1.959964
INTERVAL = 0.95
N_RESAMPLED = 10_000

Interval = tuple[float, float]


def share_interval(n_right: int, n: int) -> Interval:
    """Return Wilson's score interval of a share.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval

    >>> share_interval(119, 164)
    (0.6527, 0.7881)
    """
    if n == 0:
        return (0.0, 1.0)
    share = n_right / n
    middle = share + Z * Z / (2 * n)
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    low, high = (middle - half) / scale, (middle + half) / scale
    return (round(max(low, 0.0), 4), round(min(high, 1.0), 4))


def pass_at_k(n_samples: int, n_passed: int, k: int) -> float:
    """Return the unbiased estimate that one of `k` samples passes.

    Chen et al. 2021, "Evaluating Large Language Models Trained on Code", equation 1.

    >>> [round(pass_at_k(10, 3, k), 4) for k in (1, 5, 8)]
    [0.3, 0.9167, 1.0]
    """
    if k > n_samples:
        raise ValueError(f"pass@{k} needs {k} samples for each task, not {n_samples}")
    return 1 - math.comb(n_samples - n_passed, k) / math.comb(n_samples, k)


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the bootstrap interval of a mean; the same for the same values."""
    chance = random.Random(0)
    means = sorted(
        mean(chance.choices(values, k=len(values))) for _ in range(N_RESAMPLED)
    )
    outside = int(N_RESAMPLED * (1 - INTERVAL) / 2)
    return (round(means[outside], 4), round(means[-outside - 1], 4))


def paired_interval(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Return the bootstrap interval of the mean of `ours` minus `theirs`, row by row."""
    return mean_interval([a - b for a, b in zip(ours, theirs, strict=True)])
