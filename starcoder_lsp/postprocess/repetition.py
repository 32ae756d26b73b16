"""Rules for models that say the same thing again."""

from __future__ import annotations

from starcoder_lsp.flow import Cursor

MOST_EQUAL_LINES = 2


def cut_repeated_lines(text: str, cursor: Cursor) -> str:
    r"""Cut before a line that stands a third time in a row.

    >>> cut_repeated_lines("\nx\nx\nx\nx", Cursor.marked("█"))
    '\nx\nx'
    """
    lines = text.split("\n")
    n_equal = 1
    for i in range(1, len(lines)):
        same = lines[i].strip() and lines[i].strip() == lines[i - 1].strip()
        n_equal = n_equal + 1 if same else 1
        if n_equal > MOST_EQUAL_LINES:
            return "\n".join(lines[:i])
    return text
