"""Delta debugging: makes a failing case smaller while it fails in the same way.

After Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (IEEE
TSE 28, 2002), one part of a JSON value after the other. Hypothesis shrinks the choices
of a generator; cases here are values, which stay readable when generators change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Case = Any
MAX_TRIES = 2000


def minimised(
    case: Case, fails: Callable[[Case], bool], max_tries: int = MAX_TRIES
) -> Case:
    """Return the smallest case found, which still fails.

    >>> minimised({"a": [3, 70, 5], "b": "text"}, lambda case: 70 in case.get("a", ()))
    {'a': [70]}
    """
    n_tries = 0
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for smaller in _smaller(case):
            if n_tries >= max_tries:
                return case
            n_tries += 1
            if fails(smaller):
                case, is_smaller = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Yield cases that are smaller than `case`, the smallest first."""
    if isinstance(case, str | bytes | list):
        yield from _without_parts(case)
    if isinstance(case, list):
        for i, item in enumerate(case):
            yield from ([*case[:i], one, *case[i + 1 :]] for one in _smaller(item))
    elif isinstance(case, dict):
        yield from ({k: v for k, v in case.items() if k != key} for key in case)
        for key, value in case.items():
            yield from ({**case, key: one} for one in _smaller(value))
    elif type(case) is int and case not in (0, 1):
        yield from (0, 1)


def _without_parts(case: Any) -> Iterator[Any]:
    size = len(case)
    while size:
        for start in range(0, len(case), size):
            yield case[:start] + case[start + size :]
        size //= 2
