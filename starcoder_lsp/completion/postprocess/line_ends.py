"""A rule for line ends."""

from __future__ import annotations

from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.flow import LINE_END


def line_ends(text: str, place: Place) -> str:
    r"""Replace LF, which the model writes, by the line end of the document.

    >>> line_ends("a\nb", Place.marked("█\r\n"))
    'a\r\nb'
    """
    return LINE_END.sub(place.cursor.document.newline, text)
