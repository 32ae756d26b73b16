"""Rules for line ends."""

from __future__ import annotations

from starcoder_lsp.flow import LINE_END, Cursor


def use_line_ends_of_document(text: str, cursor: Cursor) -> str:
    r"""The model writes LF; a document may not.

    >>> use_line_ends_of_document("a\nb", Cursor.marked("█\r\n"))
    'a\r\nb'
    """
    return LINE_END.sub(cursor.document.newline, text)
