"""Lets long computations of the front process make room for everything else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made")

# An answer that waits this long for its turn is still at once for a user.
SLICE_S = 0.01


class TimeSlices:
    """Computes for `SLICE_S` at a time; the event loop runs in between."""

    def __init__(self) -> None:
        self._ends = time.perf_counter() + SLICE_S

    async def rest_if_due(self) -> None:
        if time.perf_counter() >= self._ends:
            await asyncio.sleep(0)
            self._ends = time.perf_counter() + SLICE_S


async def taken_in_slices(work: Callable[[Any], Made], items: list[Any]) -> list[Made]:
    """As `list(map(work, items))`, which empties `items`.

    Objects go as they are used: to free 100,000 of them at once takes 30 ms or more.
    """
    slices, made = TimeSlices(), []
    items.reverse()
    while items:
        made.append(work(items.pop()))
        await slices.rest_if_due()
    return made
