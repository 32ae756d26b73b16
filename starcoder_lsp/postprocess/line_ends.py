"""Rules for where lines end."""

from __future__ import annotations

from starcoder_lsp.flow import LINE_END
from starcoder_lsp.postprocess.place import Place


def trailing_space(text: str, place: Place) -> str:
    """Nobody asked for white space that cannot be seen; between words it can.

    >>> trailing_space("x = 1  ", Place.marked("█"))
    'x = 1'
    >>> trailing_space("not ", Place.marked("if █x:"))
    'not '
    """
    return text if place.cursor.line_suffix[:1].strip() else text.rstrip()


def line_ends(text: str, place: Place) -> str:
    r"""The model writes LF; a document may not.

    >>> line_ends("a\nb", Place.marked("█\r\n"))
    'a\r\nb'
    """
    return LINE_END.sub(place.cursor.document.newline, text)
