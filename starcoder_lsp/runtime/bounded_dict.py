"""What was said last, as far as it is worth keeping."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Newest(OrderedDict[Key, Value]):
    """The entries that were set last, `n_most` of them.

    >>> newest = Newest(2)
    >>> newest["a"], newest["b"], newest["a"], newest["c"] = 1, 2, 3, 4
    >>> dict(newest)
    {'a': 3, 'c': 4}
    """

    def __init__(self, n_most: int) -> None:
        super().__init__()
        self._n_most = n_most

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._n_most:
            self.popitem(last=False)
