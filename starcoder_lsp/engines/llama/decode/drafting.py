"""Drafts the next tokens from the text so far, when that saves time.

Code repeats itself: where the last tokens occurred before, the tokens that followed them
often follow again (prompt lookup decoding,
https://github.com/apoorvumang/prompt-lookup-decoding). Draft tokens are checked in one
batch, which is faster than one token after another if enough of them are right. How
often they are is counted for guesses that are not drafted, too, so that text without
repetition costs nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

# Numbers of last tokens that are looked up, the longest match first.
MATCHES = (12, 6, 3, 2)
# Longer matches are not distinguished.
LONGEST_MATCH = 24
MAX_DRAFT = 15
# A draft has to be expected to be so much faster, since the estimate may be wrong.
LEAST_GAIN = 1.15
# The weight of earlier observations after one more.
MEMORY_OF_GUESSES = 0.97
MEMORY_OF_COSTS = 0.99
# The share of right guesses to begin with, by the length of the match (fewer than 4, 8
# and 16 tokens, and more), and how many observations this prior counts for.
PRIOR_RIGHT = (0.5, 0.7, 0.85, 0.95)
PRIOR_WEIGHT = 2.0
TOKEN_BYTES = array("i").itemsize


@dataclass(frozen=True)
class Guess:
    """Tokens that may follow, and the length of the match that suggests them."""

    tokens: Sequence[int] = ()
    n_matched: int = 0


class PromptLookup:
    """Finds where the last tokens of a text occurred before.

    >>> PromptLookup([1, 2, 3, 4, 9, 1, 2, 3]).guess(2)
    Guess(tokens=[4, 9], n_matched=3)
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._packed = bytearray(array("i", tokens).tobytes())

    def append(self, token: int) -> None:
        self._packed += array("i", (token,)).tobytes()

    def guess(self, n_wanted: int) -> Guess:
        """Return the `n_wanted` tokens that followed the longest match."""
        for n_tokens in MATCHES:
            end = self._find(n_tokens)
            if end >= 0:
                return Guess(self._after(end, n_wanted), self._n_matched(end))
        return Guess()

    def _find(self, n_tokens: int) -> int:
        """Return the byte where the latest match of the last tokens ends, or -1."""
        packed, size = self._packed, n_tokens * TOKEN_BYTES
        pattern = packed[-size:]
        end = len(packed) - TOKEN_BYTES
        if end < size:
            return -1
        while (at := packed.rfind(pattern, 0, end)) >= 0:
            if at % TOKEN_BYTES == 0:
                return at + size
            end = at + size - 1
        return -1

    def _after(self, end: int, n_wanted: int) -> list[int]:
        """Return the tokens from byte `end`; repeated where the text is shorter."""
        size = n_wanted * TOKEN_BYTES
        followed = bytes(self._packed[end : end + size])
        repeated = followed * -(-size // len(followed))
        return array("i", repeated[:size]).tolist()

    def _n_matched(self, end: int) -> int:
        packed = self._packed
        here, there = len(packed), end
        for n in range(LONGEST_MATCH):
            here, there = here - TOKEN_BYTES, there - TOKEN_BYTES
            if there < 0 or (
                packed[here : here + TOKEN_BYTES] != packed[there : there + TOKEN_BYTES]
            ):
                return n
        return LONGEST_MATCH


@dataclass
class BatchCosts:
    """Seconds per batch as a linear function of its size; old measurements fade.

    After a long time with single tokens only, more tokens are expected to cost what they
    cost in a prefill. That is optimistic, so that drafts are tried again.
    """

    per_prefill_token_s: float = 0.0
    _weight: float = 0.0
    _size: float = 0.0
    _size2: float = 0.0
    _cost: float = 0.0
    _size_cost: float = 0.0

    @property
    def is_known(self) -> bool:
        return self._weight > 0

    def saw(self, n_tokens: int, seconds: float) -> None:
        """Note how long a batch of `n_tokens` took."""
        if self._weight > 1:
            # An outlier: other processes were computing.
            seconds = min(seconds, 3 * self.of(n_tokens))
        for name, value in (
            ("_weight", 1.0),
            ("_size", n_tokens),
            ("_size2", n_tokens * n_tokens),
            ("_cost", seconds),
            ("_size_cost", n_tokens * seconds),
        ):
            setattr(self, name, getattr(self, name) * MEMORY_OF_COSTS + value)

    def of(self, n_tokens: int) -> float:
        """Return the expected seconds of a batch of `n_tokens`."""
        size, cost = self._size / self._weight, self._cost / self._weight
        spread = self._size2 - self._weight * size * size
        together = self._size_cost - self._weight * size * cost
        expected = self.per_prefill_token_s or cost / 4  # per token, at first
        slope = (together + expected) / (spread + 1)
        return max(cost + max(slope, 0.0) * (n_tokens - size), cost / 4)


@dataclass
class DraftPolicy:
    """Decides how many tokens of a guess are worth a draft."""

    costs: BatchCosts = field(default_factory=BatchCosts)
    _n_right: list[float] = field(default_factory=lambda: [0.0] * len(PRIOR_RIGHT))
    _n_seen: list[float] = field(default_factory=lambda: [0.0] * len(PRIOR_RIGHT))

    def saw_guess(self, n_matched: int, is_right: bool) -> None:
        """Note whether a guess after a match of `n_matched` tokens was right."""
        n = _kind(n_matched)
        self._n_right[n] = self._n_right[n] * MEMORY_OF_GUESSES + is_right
        self._n_seen[n] = self._n_seen[n] * MEMORY_OF_GUESSES + 1

    def n_worthwhile(self, guess: Guess, n_most: int) -> int:
        """Return how many tokens to draft; 0 when single tokens are as fast."""
        if not self.costs.is_known:
            return 0
        best, best_rate = 0, LEAST_GAIN / self.costs.of(1)
        expected, chance = 1.0, 1.0
        for n in range(1, min(len(guess.tokens), n_most, MAX_DRAFT) + 1):
            chance *= self._chance(guess.n_matched + n - 1)
            expected += chance
            rate = expected / self.costs.of(n + 1)
            if rate > best_rate:
                best, best_rate = n, rate
        return best

    def _chance(self, n_matched: int) -> float:
        n = _kind(n_matched)
        right = self._n_right[n] + PRIOR_WEIGHT * PRIOR_RIGHT[n]
        return right / (self._n_seen[n] + PRIOR_WEIGHT)


def _kind(n_matched: int) -> int:
    """Return the index in `PRIOR_RIGHT` for a match of `n_matched` tokens.

    >>> [_kind(n) for n in (2, 3, 4, 8, 15, 16, 99)]
    [0, 0, 1, 2, 2, 3, 3]
    """
    return min(max(n_matched.bit_length() - 2, 0), len(PRIOR_RIGHT) - 1)
