"""A session of which something lasts: its speed, and what it has read."""

from __future__ import annotations

from collections.abc import Callable

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama import speed
from starcoder_lsp.engines.llama.session import Session


class LastingSession(Session):
    """Measures itself, and hands its KV cache over to the next process."""

    def measure(self, is_wanted: Callable[[], bool]) -> Speed | None:
        """How fast we are; None when something was wanted meanwhile."""
        tokens = self._vocabulary.encode("x = 1\n" * speed.N_MEASURED)
        self._slot = self._slots.take(tokens[:1])

        def evaluate(n_tokens: int, deadline: float) -> bool:
            self._is_over = lambda: is_wanted() or self._clock() >= deadline
            return self._slots.extend(self._slot, tokens[:n_tokens])

        try:
            return speed.measure(evaluate, self._clock)
        finally:
            self._slots.cut(self._slot, 0)
