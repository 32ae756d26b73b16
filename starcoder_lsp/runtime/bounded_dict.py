"""A dictionary that forgets its oldest entries."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class BoundedDict(OrderedDict[Key, Value]):
    """Keeps the `max_entries` entries that were set last; reading renews none.

    >>> last_two = BoundedDict(2)
    >>> last_two["a"], last_two["b"], last_two["a"], last_two["c"] = 1, 2, 3, 4
    >>> dict(last_two)
    {'a': 3, 'c': 4}
    """

    def __init__(self, max_entries: int) -> None:
        super().__init__()
        self._max_entries = max_entries

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > self._max_entries:
            self.popitem(last=False)
