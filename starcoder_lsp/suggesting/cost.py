"""Estimates how long the model will take for a request."""

from __future__ import annotations

from starcoder_lsp.completion.prompt import Window
from starcoder_lsp.engines import Speed
from starcoder_lsp.flow import Usage
from starcoder_lsp.runtime.bounded_dict import BoundedDict
from starcoder_lsp.suggesting.cache import CacheKey

# The length of a usual suggestion, and of a usual token.
USUAL_TOKENS = 12
CHARACTERS_PER_TOKEN = 3.5
FIRST_SPEED = Speed(prefill_tokens_per_s=200.0, decode_tokens_per_s=20.0)
# The weight of the newest measurement in the moving average.
NEWEST_SHARE = 0.3
# Fewer tokens measure no speed.
LEAST_TOKENS = 4
MAX_DOCUMENTS = 4


class CostEstimator:
    """Knows the engine's speed and, for each document, the last prompt it has read."""

    def __init__(self) -> None:
        self.speed = FIRST_SPEED
        self._read: BoundedDict[str, CacheKey] = BoundedDict(MAX_DOCUMENTS)

    def learn(self, usage: Usage) -> None:
        """Correct the speed by what a request has cost."""
        decode_ms = usage.total_ms - usage.first_token_ms
        self.speed = Speed(
            _averaged(
                self.speed.prefill_tokens_per_s,
                usage.evaluated_tokens,
                usage.first_token_ms,
            ),
            _averaged(
                self.speed.decode_tokens_per_s, usage.generated_tokens - 1, decode_ms
            ),
        )

    def cost_s(
        self, n_new_characters: int, measured: Speed | None, n_characters: int = 0
    ) -> float:
        """Return the seconds for a prompt with `n_new_characters` to prefill.

        `measured` is the engine's own measurement of its speed; it replaces ours. The
        whole prompt has `n_characters`: a token takes longer behind a long one.
        """
        speed = measured or self.speed
        n_tokens = n_new_characters / CHARACTERS_PER_TOKEN
        prefill_s = n_tokens / max(speed.prefill_tokens_per_s, 1.0)
        depth = n_characters / CHARACTERS_PER_TOKEN
        decode_s = USUAL_TOKENS * speed.decode_s(depth)
        return speed.latency_s + prefill_s + decode_s

    def note_read(self, key: CacheKey) -> None:
        """The model has read the prompt for `key`; its KV cache probably holds it."""
        self._read[key.scope.uri] = key

    def has_just_read(self, key: CacheKey) -> bool:
        """Return whether the prompt for `key` is the last one read in its document."""
        return self._read.get(key.scope.uri) == key

    def n_new_characters(self, key: CacheKey, window: Window) -> int:
        """Estimate how many characters of the prompt for `key` the KV cache lacks."""
        last = self._read.get(key.scope.uri)
        if last is not None and last.scope == key.scope:
            ours, theirs = key.prefix, last.prefix
            if ours.startswith(theirs) or theirs.startswith(ours):
                return abs(len(ours) - len(theirs))
        return n_prompt_characters(key, window)

    def forget(self, uri: str) -> None:
        self._read.pop(uri, None)

    def forget_all(self) -> None:
        """Forget which prompts were read: a new engine has an empty KV cache."""
        self._read.clear()


def n_prompt_characters(key: CacheKey, window: Window) -> int:
    """Estimate how many characters the prompt for `key` has."""
    return min(len(key.prefix), window.prefix) + window.suffix


def _averaged(old: float, n_tokens: int, time_ms: float) -> float:
    """Return the moving average of a speed in tokens per second."""
    if n_tokens < LEAST_TOKENS or time_ms <= 0:
        return old
    return old + NEWEST_SHARE * (n_tokens / time_ms * 1000 - old)
