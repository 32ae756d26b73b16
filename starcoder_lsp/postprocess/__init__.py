"""What makes generated text fit its place: `STAGES`, applied once, in this order.

A rule takes the text and its cursor and returns the text that is left; `""` drops the
suggestion. Where the text ends is decided before, while it streams (`scope`).
"""

from __future__ import annotations

from collections.abc import Callable

from starcoder_lsp.flow import Cursor
from starcoder_lsp.postprocess.line_ends import use_line_ends_of_document
from starcoder_lsp.postprocess.overlap import (
    drop_what_the_next_lines_say,
    drop_what_the_suffix_repeats,
)
from starcoder_lsp.postprocess.repetition import cut_repeated_lines
from starcoder_lsp.postprocess.safety import drop_invisible_characters
from starcoder_lsp.postprocess.stop import cut_at_code_fence, cut_at_sentinel

Rule = Callable[[str, Cursor], str]


def trim_trailing_space(text: str, cursor: Cursor) -> str:
    """Nobody asked for white space that cannot be seen; between words it can.

    >>> trim_trailing_space("x = 1  ", Cursor.marked("█"))
    'x = 1'
    >>> trim_trailing_space("not ", Cursor.marked("if █x:"))
    'not '
    """
    return text if cursor.line_suffix[:1].strip() else text.rstrip()


STAGES: tuple[Rule, ...] = (
    cut_at_sentinel,
    cut_at_code_fence,
    cut_repeated_lines,
    drop_what_the_suffix_repeats,
    drop_what_the_next_lines_say,
    trim_trailing_space,
    drop_invisible_characters,
    use_line_ends_of_document,
)


def postprocess(text: str, cursor: Cursor) -> str:
    for rule in STAGES:
        if not text:
            return ""
        text = rule(text, cursor)
    return text
