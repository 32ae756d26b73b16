"""Tells the clients how far a load is, for as long as it makes progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from starcoder_lsp.engines.llama.machine import hardware

STEP = 0.05
BEAT_S = 1.0


class LoadProgress:
    """Calls `tell(share)` with each step of a load, and every second while it goes on.

    llama.cpp reports nothing while it maps a file or waits for a device. A load goes on
    when the share of the model that is loaded grows, or when this process computes, takes
    memory or reads from a disk. Otherwise nothing is told: a disk may hang, and the front
    then starts the process again.
    """

    def __init__(
        self,
        tell: Callable[[float], None],
        activity: Callable[[], object] = hardware.activity,
        beat_s: float = BEAT_S,
    ) -> None:
        self._tell = tell
        self._activity = activity
        self._beat_s = beat_s
        self._share = 0.0
        self._told = -STEP
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> LoadProgress:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def report(self, share: float) -> None:
        """Note that `share` of the model is loaded, from 0 to 1."""
        self._share = share
        if share >= self._told + STEP:
            self._told = share
            self._tell(share)

    def _beat(self) -> None:
        before: object = None
        while not self._is_over.wait(self._beat_s):
            now = (self._share, self._activity())
            if now != before:
                self._tell(self._share)
            before = now
