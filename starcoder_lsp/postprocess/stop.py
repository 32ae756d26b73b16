"""Rules for what no user wants to see: the model's own marks."""

from __future__ import annotations

import re

from starcoder_lsp.flow import Cursor

# Control tokens of all families as they look when a model spells them out; not those
# that are words of HTML or of a usage line, such as </s> and <filename>.
SENTINEL = re.compile(
    r"<\|?(?:fim_|file_sep|file_separator|repo_name|endoftext|im_start|im_end|"
    r"code_prefix|code_suffix|code_middle|end_of_text)\w*\|?>|<｜"
)
FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
WITH_FENCES = frozenset(("markdown", "rmd", "quarto", "mdx", "asciidoc"))


def cut_at_sentinel(text: str, cursor: Cursor) -> str:
    """Cut where the model spells a control token that the document does not contain.

    >>> cut_at_sentinel("x)<|endoftext|>import", Cursor.marked("f(█"))
    'x)'
    """
    for found in SENTINEL.finditer(text):
        if found[0] not in cursor.document.text:
            return text[: found.start()]
    return text


def cut_at_code_fence(text: str, cursor: Cursor) -> str:
    r"""Cut where a chat-trained model ends its code block.

    >>> cut_at_code_fence("return 1\n```", Cursor.marked("█"))
    'return 1\n'
    """
    if cursor.document.language in WITH_FENCES or "```" in cursor.document.text:
        return text
    found = FENCE.search(text)
    return text[: found.start()] if found else text
