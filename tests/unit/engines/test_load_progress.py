"""A load that goes on is told of; one that stands still is not."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

from starcoder_lsp.engines.llama.machine import hardware
from starcoder_lsp.engines.llama.process.load_progress import LoadProgress


def told(activity: Iterator[object]) -> list[float]:
    """What is told during ten beats of a load whose share does not grow."""
    shares: list[float] = []
    ten = threading.Event()
    beats = itertools.count(1)

    def look() -> object:
        if next(beats) == 10:
            ten.set()
        return next(activity)

    with LoadProgress(shares.append, look, beat_s=0.001):
        ten.wait()
    return shares


def test_a_load_that_stands_still_is_silent() -> None:
    assert told(itertools.repeat("nothing new")) == [0.0]


def test_a_slow_load_is_told_of_at_every_beat() -> None:
    assert len(told(itertools.count())) >= 10


def test_steps_are_told_at_once() -> None:
    shares: list[float] = []
    progress = LoadProgress(shares.append)
    for percent in range(0, 101, 1):
        progress.report(percent / 100)
    assert shares[0] == 0.0
    assert 15 <= len(shares) <= 21


def test_another_threads_computing_is_activity() -> None:
    def compute() -> None:
        until = time.thread_time() + 0.3
        while time.thread_time() < until:
            pass

    before = hardware.activity()
    thread = threading.Thread(target=compute)
    thread.start()
    thread.join()
    assert hardware.activity() != before
