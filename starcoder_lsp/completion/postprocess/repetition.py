"""Rules against repetition.

The limits are near those of Tabby (removeRepetitiveLines, removeLineEndsWithRepetition)
and Continue, which stops at three equal lines.
"""

from __future__ import annotations

import re

from starcoder_lsp.completion.postprocess.place import Cut, Place, growing, nearly_equal

MOST_EQUAL_LINES = 2
# Rows of a table, which end with a comma, are often alike.
MOST_EQUAL_ROWS = 8
MOST_SIMILAR_LINES = 5
LONGEST_UNIT = 60
LEAST_REPEATS = 4
# The longest repetition that may be meant, in code points: of a unit with letters, of
# digits (a hash of zeros), and of other characters (a ruler).
LONGEST_ECHO, LONGEST_NUMBER, LONGEST_RULER = 40, 65, 160
SAYS_SOMETHING = re.compile(r"\w")
LETTER = re.compile(r"[^\W\d_]")
BLOCK_END = re.compile(r"\n[ \t]*\n")


def repeated_pattern(text: str, place: Place) -> Cut:
    r"""Cut the line in which the model repeats one unit again and again.

    >>> repeated_pattern("x = 1\ny = " + "ab c " * 9, Place.marked("█")).text
    'x = 1'
    """
    line_start = text.rfind("\n") + 1
    line = text[line_start:]
    for size in range(1, min(LONGEST_UNIT, len(line) // LEAST_REPEATS) + 1):
        unit = line[-size:]
        n_units = max(LEAST_REPEATS, -(-_longest(unit) // size))
        if line.endswith(unit * n_units):
            return Cut(text[: max(line_start - 1, 0)], is_final=True)
    return growing(text)


def _longest(unit: str) -> int:
    if LETTER.search(unit):
        return LONGEST_ECHO
    return LONGEST_NUMBER if unit.isdigit() else LONGEST_RULER


def repeated_lines(text: str, place: Place) -> Cut:
    r"""Cut before the third equal line in a row, or the sixth similar one.

    >>> repeated_lines("\nx\nx\nx\nx", Place.marked("█")).text
    '\nx\nx'
    """
    lines = text.split("\n")
    n_equal = n_similar = 1
    end = len(lines[0])
    for i in range(1, len(lines)):
        line, last = lines[i].rstrip(), lines[i - 1].rstrip()
        says = SAYS_SOMETHING.search(line)
        n_equal = n_equal + 1 if says and line == last else 1
        n_similar = n_similar + 1 if says and nearly_equal(line, last) else 1
        is_row = line.endswith(",")
        if n_equal > (MOST_EQUAL_ROWS if is_row else MOST_EQUAL_LINES) or (
            n_similar > MOST_SIMILAR_LINES and not is_row
        ):
            # The last line may still grow, and then differ.
            return Cut(text[:end], is_final=i < len(lines) - 1)
        end += 1 + len(lines[i])
    return growing(text)


def repeated_blocks(text: str, place: Place) -> Cut:
    r"""Cut before a paragraph that repeats the one before it.

    >>> repeated_blocks("a\nb\n\na\nb\n\nc", Place.marked("█")).text
    'a\nb'
    """
    start, last_end, last = 0, 0, ""
    for found in [*BLOCK_END.finditer(text), None]:
        end = found.start() if found else len(text)
        block = text[start:end].strip()
        if last and "\n" in last and _is_again(block, last, is_whole=found is not None):
            return Cut(text[:last_end], is_final=found is not None)
        start, last_end, last = found.end() if found else end, end, block
    return growing(text)


def _is_again(block: str, last: str, *, is_whole: bool) -> bool:
    return nearly_equal(block, last) if is_whole else block == last


def lines_above(text: str, place: Place) -> str:
    r"""Drop a text that repeats the lines right above the cursor.

    >>> lines_above("x = load()\nprint(x)", Place.marked("x = load()\nprint(x)\n█"))
    ''
    """
    cursor = place.cursor
    first, *others = text.rstrip().split("\n")
    written = [line.rstrip() for line in (cursor.line_prefix + first, *others)]
    lines = [line for line in written if line.strip()]
    above = [line.rstrip() for line in cursor.lines_above if line.strip()]
    is_table = lines and lines[0].endswith((",", "\\", "|"))
    is_end = len(lines) == 1 and place.row.closes.match(lines[0].lstrip())
    if not lines or is_table or is_end or not LETTER.search(lines[0]):
        return text
    return "" if lines == above[: len(lines)][::-1] else text
