"""Small questions about lines of code that several modules ask."""

from __future__ import annotations

from collections.abc import Sequence


def indentation(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def is_of_word(character: str) -> bool:
    """Whether names have it; False for no character at all.

    >>> is_of_word("ü"), is_of_word("_"), is_of_word("-"), is_of_word("")
    (True, True, False, False)
    """
    return character.isalnum() or character == "_"


def n_common(one: Sequence[object], other: Sequence[object]) -> int:
    """How much two texts, or lists of tokens, begin with in common.

    >>> n_common([1, 2, 3], [1, 2, 4, 5]), n_common("abc", "abd")
    (2, 2)
    """
    # Halves are compared at C's speed, and most texts differ near their end.
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def n_common_ends(one: Sequence[object], other: Sequence[object]) -> tuple[int, int]:
    """How much two texts begin and end with in common; the two parts do not overlap.

    >>> n_common_ends("abcd", "abxxcd"), n_common_ends("aa", "aaa")
    ((2, 2), (2, 0))
    """
    start = n_common(one, other)
    return start, n_common(one[start:][::-1], other[start:][::-1])
