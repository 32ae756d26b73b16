"""Rules for models that say the same thing again."""

from __future__ import annotations

import re

from starcoder_lsp.postprocess.place import Cut, Place, ended

MOST_EQUAL_LINES = 2
# Rows of a table may well be alike.
MOST_EQUAL_ROWS = 8
SAYS_SOMETHING = re.compile(r"\w")


def repeated_lines(text: str, place: Place) -> Cut:
    r"""Cut before a line that stands a third time in a row, just as deep.

    >>> repeated_lines("\nx\nx\nx\nx\n", Place.marked("█")).text
    '\nx\nx'
    """
    lines = text.split("\n")
    n_equal = 1
    for i in range(1, len(lines) - 1):
        line = lines[i].rstrip()
        same = SAYS_SOMETHING.search(line) and line == lines[i - 1].rstrip()
        n_equal = n_equal + 1 if same else 1
        if n_equal > (MOST_EQUAL_ROWS if line.endswith(",") else MOST_EQUAL_LINES):
            return ended(text, sum(map(len, lines[:i])) + i - 1)
    return Cut(text, is_final=False)
