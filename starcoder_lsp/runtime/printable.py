"""Text that people read in messages, logs and terminals, made safe to show."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""`text` with an escape for each character that does not print.

    Names of files and keys may hold line ends, terminal commands (ESC, BEL) and marks
    that change the direction of what follows.

    >>> printable("a\nb\u202e é")
    'a\\nb\\u202e é'
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
