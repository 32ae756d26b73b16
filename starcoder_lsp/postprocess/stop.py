"""Rules for what no user wants to see: the model's own marks."""

from __future__ import annotations

import re

from starcoder_lsp.postprocess.place import Cut, Place, ended

# Control tokens of all families as they look when a model spells them out; not those
# that are words of HTML or of a usage line, such as </s> and <filename>.
SENTINEL = re.compile(
    r"<\|?(?:fim_|file_sep|file_separator|repo_name|endoftext|im_start|im_end|"
    r"code_prefix|code_suffix|code_middle|end_of_text)\w*\|?>|<｜"
)
FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
WITH_FENCES = frozenset(("markdown", "rmd", "quarto", "mdx", "asciidoc"))


def whole_lines(text: str, place: Place) -> Cut:
    r"""Of several lines, the last is not shown when the model could not finish it.

    >>> whole_lines("a = 1\nb = (", Place.marked("█")).text
    'a = 1\nb = ('
    """
    if not place.is_cut_off or "\n" not in text.strip("\n"):
        return Cut(text, is_final=False)
    return Cut(text[: text.rfind("\n") + 1], is_final=False)


def sentinel(text: str, place: Place) -> Cut:
    """Cut where the model spells a control token that the document does not contain.

    >>> sentinel("x)<|endoftext|>import", Place.marked("f(█")).text
    'x)'
    """
    for found in SENTINEL.finditer(text):
        if found[0] not in place.cursor.document.text:
            return ended(text, found.start())
    return Cut(text, is_final=False)


def fence(text: str, place: Place) -> Cut:
    r"""Cut where a chat-trained model ends its code block.

    >>> fence("return 1\n```", Place.marked("█")).text
    'return 1\n'
    """
    document = place.cursor.document
    if document.language in WITH_FENCES or "```" in document.text:
        return Cut(text, is_final=False)
    found = FENCE.search(text)
    return ended(text, found.start() if found else len(text))
