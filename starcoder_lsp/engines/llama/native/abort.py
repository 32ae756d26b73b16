"""Lets llama.cpp ask between graph nodes whether to go on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import llama_cpp as llama

# A token that takes no longer is not aborted: asking after each of the hundreds of graph
# nodes would take up to a quarter of its time.
UNPOLLED_S = 0.015


class AbortPolling:
    """Makes a context ask `should_abort`, except while it computes a fast token."""

    def __init__(self, context: Any, should_abort: Callable[[], bool]) -> None:
        self._context = context
        # Kept as long as the context, because C has only its address.
        self._ask = llama.ggml_abort_callback(lambda _user_data: should_abort())
        self._is_polled = False
        self._token_s = math.inf

    def prepare(self, n_tokens: int) -> None:
        """Switch asking on or off for a batch."""
        is_polled = n_tokens > 1 or self._token_s > UNPOLLED_S
        if is_polled != self._is_polled:
            self._is_polled = is_polled
            callback = self._ask if is_polled else llama.ggml_abort_callback()
            llama.llama_set_abort_callback(self._context, callback, None)

    def saw(self, n_tokens: int, seconds: float) -> None:
        """Note how long a batch took."""
        if n_tokens == 1:
            self._token_s = seconds
