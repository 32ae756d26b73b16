"""Rules against control tokens, other files, Markdown fences and endless text."""

from __future__ import annotations

import re

from starcoder_lsp.completion.postprocess.place import Cut, Place, ended, growing

# The longest text that is shown; models that never end are stopped here.
MOST_CHARACTERS, MOST_LINES = 8000, 200
# Control tokens of all families as text. Those that also occur in HTML or usage lines,
# such as </s> and <filename>, are left out.
SENTINEL = re.compile(
    r"<\|?(?:fim_|file_sep|file_separator|repo_name|endoftext|im_start|im_end|"
    r"code_prefix|code_suffix|code_middle|end_of_text|jupyter_|issue_start|commit_)"
    r"\w*\|?>|<｜|<\|EOT\|>|[▁ ]<(?:PRE|SUF|MID|EOT)>"
)
# The headers of files in training data and in prompts, and the artefacts that Continue,
# Cody and Copilot cut too.
NEXT_FILE = re.compile(
    r"^(?:\+{3,} \S+|-{3} a/\S+|diff --git .*|"
    r"(?:#|//|--|;|%|<!--) ?(?:Path|File|Filename|filepath|Repo-name): \S+.*|"
    r"(?:#|//|--) ?End of file\.?|#-\*- coding: .*|#- coding: .*|"
    r"###(?:PATH|LANGUAGE|MODE|REFERENCE):.*)[ \t]*$",
    re.MULTILINE,
)
FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
WITH_FENCES = frozenset(("markdown", "rmd", "quarto", "mdx", "asciidoc"))


def length(text: str, place: Place) -> Cut:
    """Cut at MOST_CHARACTERS and MOST_LINES.

    >>> len(length("x" * 10**6, Place.marked("█")).text)
    8000
    """
    text, is_long = text[:MOST_CHARACTERS], len(text) > MOST_CHARACTERS
    lines = text.split("\n", MOST_LINES)
    if len(lines) > MOST_LINES:
        return Cut("\n".join(lines[:MOST_LINES]), is_final=True)
    return Cut(text, is_long)


def whole_lines(text: str, place: Place) -> Cut:
    r"""Cut the last of several lines if the model could not finish it.

    Cut the lines before it too that open a block without a body.

    >>> whole_lines("a = 1\nb = (", Place.marked("█")).text
    'a = 1\nb = ('
    """
    if not place.is_cut_off or "\n" not in text.strip("\n"):
        return growing(text)
    lines = text.split("\n")[:-1]
    opens = place.row.opens
    while any(map(str.strip, lines[:-1])) and opens.search(lines[-1].rstrip()):
        lines.pop()
    return growing("\n".join(lines) + "\n")


def sentinel(text: str, place: Place) -> Cut:
    """Cut at a control token, written as text, that the document does not contain.

    >>> sentinel("x)<|endoftext|>import", Place.marked("f(█")).text
    'x)'
    """
    return _before(SENTINEL, text, place)


def next_file(text: str, place: Place) -> Cut:
    r"""Cut where the next file begins.

    >>> next_file("x = 1\n# Path: lib/b.py\ny", Place.marked("█")).text
    'x = 1\n'
    """
    return _before(NEXT_FILE, text, place)


def fence(text: str, place: Place) -> Cut:
    r"""Cut at the Markdown fence that ends the code of a chat-trained model.

    >>> fence("return 1\n```", Place.marked("█")).text
    'return 1\n'
    """
    document = place.cursor.document
    found = FENCE.search(text)
    is_usual = document.language in WITH_FENCES or "```" in document.text
    if found and (is_usual or place.before.literal):
        return growing(text)
    return ended(text, found.start() if found else len(text))


def _before(pattern: re.Pattern[str], text: str, place: Place) -> Cut:
    """Cut at the first match that the document itself does not contain."""
    for found in pattern.finditer(text):
        if found[0].strip() not in place.cursor.document.text:
            return ended(text, found.start())
    return growing(text)
