"""A session of which something lasts: its speed, and what it has read."""

from __future__ import annotations

from collections.abc import Callable

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.decode.session import Session
from starcoder_lsp.engines.llama.machine import speed

# Fewer tokens than this are read again sooner than a file is.
WORTH_SAVING = 64
# A state also has a part that does not shrink with its tokens.
SAFE_SHARE = 0.95


class LastingSession(Session):
    """Measures itself, and hands its KV cache over to the next process."""

    def measure(self, is_wanted: Callable[[], bool]) -> Speed | None:
        """How fast we are; None when something was wanted meanwhile, or has no room."""
        tokens = self._vocabulary.encode("x = 1\n" * max(speed.PREFILLS))
        # What a slot holds stays: we read on after it, and forget that again.
        slot = self._slots.emptiest()
        n_held = len(slot.tokens)
        if n_held + max(speed.PREFILLS) > self.n_context:
            return None

        def evaluate(n_tokens: int, deadline: float) -> bool:
            self._is_over = lambda: is_wanted() or self._clock() >= deadline
            if len(slot.tokens) + n_tokens > self.n_context:
                self._slots.cut(slot, n_held)
            return self._slots.extend(slot, tokens[:n_tokens])

        try:
            return speed.measure(evaluate, self._clock)
        finally:
            self._slots.cut(slot, n_held)

    def state(self, max_bytes: int) -> tuple[list[int], bytearray]:
        """What was read for the last request, from its beginning as far as it fits.

        Unless that was stopped before it had read anything.

        In a suffix-first prompt that is the repository's context before all else.
        """
        slot = self._slots.latest(WORTH_SAVING)
        size = self._context.state_bytes(slot.sequence)
        if size > max_bytes:
            self._slots.cut(slot, int(len(slot.tokens) * max_bytes / size * SAFE_SHARE))
        self._is_over = lambda: False
        self._slots.settle(slot)
        return slot.tokens, self._context.state(slot.sequence)

    def restore(self, tokens: list[int], state: memoryview) -> bool:
        """Go on where `state` was taken; only before the first request."""
        slot = self._slots.take(tokens)
        if not self._context.restore(slot.sequence, state):
            self._slots.cut(slot, 0)
            return False
        slot.tokens[:] = tokens
        return True
