"""A stack that tells when it changes."""

from __future__ import annotations

import os.path
import numpy as np
from collections.abc import Callable, Iterator as Iter
from .events import *

LIMIT = 100
default_name: str = "stack"


class Stack(Base, events.Source):
    """Last in, first out."""

    size = 0

    def __init__(self, items: list[int]) -> None:
        self.items = items
        self._listeners: list[Callable] = []

    @property
    def top(self) -> int:
        """The newest item."""
        return self.items[-1]

    async def push(self, item: int) -> None:
        def later() -> None:
            notify(self, item)

        self.items.append(item)
        later()


# Builds a stack
# from a range.
def stack_of(
    first: int,
    last: int = LIMIT,
) -> Stack:
    return Stack(list(range(first, last)))
