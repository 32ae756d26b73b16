"""Rules against worthless suggestions, empty comments and superfluous white space."""

from __future__ import annotations

import re

from starcoder_lsp.completion.postprocess.place import Place

BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){3,}")
BLANK_LINE = re.compile(r"(?<=\n)[ \t]+(?=\n)")
WITH_MEANING_AT_LINE_ENDS = frozenset(("markdown", "mdx", "rmd", "quarto", "diff"))


def empty_comments(text: str, place: Place) -> str:
    r"""Cut empty comments at the end.

    >>> empty_comments("x = 1\n#\n#", Place.marked("█"))
    'x = 1'
    """
    mark = place.row.comment
    if not mark or place.is_in_comment:
        return text
    while text.rstrip().rpartition("\n")[2].strip() == mark:
        text = text.rstrip().removesuffix(mark).rstrip()
    return text


def blank_lines(text: str, place: Place) -> str:
    r"""Keep at most two blank lines in a row, and remove the space in them.

    >>> blank_lines("a\n  \n\n\n\nb", Place.marked("█"))
    'a\n\n\nb'
    """
    if place.cursor.document.language not in WITH_MEANING_AT_LINE_ENDS:
        text = BLANK_LINE.sub("", text)
    return BLANK_LINES.sub("\n\n\n", text)


def trailing_space(text: str, place: Place) -> str:
    """Cut white space at the end, unless text follows the cursor directly.

    >>> trailing_space("x = 1  ", Place.marked("█"))
    'x = 1'
    >>> trailing_space("not ", Place.marked("if █x:"))
    'not '
    """
    if not text.strip():
        return ""
    return text if place.cursor.line_suffix[:1].strip() else text.rstrip()


def too_little(text: str, place: Place) -> str:
    r"""Drop a single punctuation mark, which is faster typed than read.

    A brace that is missing at the end of the document is kept.

    >>> too_little(";", Place.marked("x = 1█")), too_little("1", Place.marked("x = █"))
    ('', '1')
    >>> too_little("\n}", Place.marked("f() {\n  g();█", "c"))
    '\n}'
    """
    said = text.strip()
    is_brace = said == "}" and place.lacks_brace
    is_below = place.is_blank_line or text.startswith("\n")
    is_enough = len(said) > 1 or said.isalnum() or (is_brace and is_below)
    return text if is_enough else ""
