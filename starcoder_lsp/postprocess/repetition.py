"""Rules for models that say the same thing again."""

from __future__ import annotations

import re

from starcoder_lsp.flow import Cursor

MOST_EQUAL_LINES = 2
# Rows of a table may well be alike.
MOST_EQUAL_ROWS = 8
SAYS_SOMETHING = re.compile(r"\w")


def cut_repeated_lines(text: str, cursor: Cursor) -> str:
    r"""Cut before a line that stands a third time in a row, just as deep.

    >>> cut_repeated_lines("\nx\nx\nx\nx", Cursor.marked("█"))
    '\nx\nx'
    """
    lines = text.split("\n")
    n_equal = 1
    for i in range(1, len(lines)):
        line = lines[i].rstrip()
        same = SAYS_SOMETHING.search(line) and line == lines[i - 1].rstrip()
        n_equal = n_equal + 1 if same else 1
        if n_equal > (MOST_EQUAL_ROWS if line.endswith(",") else MOST_EQUAL_LINES):
            return "\n".join(lines[:i])
    return text
