"""Small functions on lines of text that several packages use."""

from __future__ import annotations

from collections.abc import Sequence


def indentation(line: str) -> str:
    """Return the white space at the start of a line."""
    return line[: len(line) - len(line.lstrip())]


def is_of_word(character: str) -> bool:
    """Return whether a character may be part of a name; False for `""`.

    >>> is_of_word("ü"), is_of_word("_"), is_of_word("-"), is_of_word("")
    (True, True, False, False)
    """
    return character.isalnum() or character == "_"


def n_common(one: Sequence[object], other: Sequence[object]) -> int:
    """Return the length of the common beginning of two texts or lists of tokens.

    >>> n_common([1, 2, 3], [1, 2, 4, 5]), n_common("abc", "abd")
    (2, 2)
    """
    # Bisection compares slices in C, which is faster than a loop over long texts.
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def n_common_ends(one: Sequence[object], other: Sequence[object]) -> tuple[int, int]:
    """Return the lengths of the common beginning and end of two texts.

    The two parts do not overlap.

    >>> n_common_ends("abcd", "abxxcd"), n_common_ends("aa", "aaa")
    ((2, 2), (2, 0))
    """
    start = n_common(one, other)
    return start, n_common(one[start:][::-1], other[start:][::-1])
