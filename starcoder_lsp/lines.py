"""Small questions about lines of code that several modules ask."""

from __future__ import annotations


def indentation(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def is_of_word(character: str) -> bool:
    """Whether names have it; False for no character at all.

    >>> is_of_word("ü"), is_of_word("_"), is_of_word("-"), is_of_word("")
    (True, True, False, False)
    """
    return character.isalnum() or character == "_"
