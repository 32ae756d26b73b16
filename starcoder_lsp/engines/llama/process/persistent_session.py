"""A session that measures its speed, and whose KV cache outlives its process."""

from __future__ import annotations

from collections.abc import Callable

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.machine import speed

# Fewer tokens than this are evaluated faster than a file is read.
WORTH_SAVING = 64
# A state has a part that does not shrink with its tokens.
SAFE_SHARE = 0.95


class PersistentSession(LlamaSession):
    """Also measures itself, and hands its KV cache over to the next process."""

    def measure(self, is_wanted: Callable[[], bool]) -> Speed | None:
        """Time batches; None when a request came, or the context has no room."""
        tokens = self._vocabulary.encode("x = 1\n" * max(speed.PREFILLS))
        # The slot keeps its tokens: more are read after them and forgotten again.
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
        """Return the tokens of the last request and their KV cache in `max_bytes`.

        Tokens are cut off at the end; a suffix-first prompt begins with the context of
        the repository, so that this stays. A request that was stopped before it had
        read anything does not count as the last.
        """
        slot = self._slots.latest(WORTH_SAVING)
        size = self._context.state_bytes(slot.sequence)
        if size > max_bytes:
            self._slots.cut(slot, int(len(slot.tokens) * max_bytes / size * SAFE_SHARE))
        self._is_over = lambda: False
        self._slots.settle(slot)
        return slot.tokens, self._context.state(slot.sequence)

    def restore(self, tokens: list[int], state: memoryview) -> bool:
        """Go on where `state` was taken; only before the first request.

        False when llama.cpp does not accept it.
        """
        slot = self._slots.take(tokens)
        if not self._context.restore(slot.sequence, state):
            self._slots.cut(slot, 0)
            return False
        slot.tokens[:] = tokens
        return True
