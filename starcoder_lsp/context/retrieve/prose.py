"""Recognizes comments and sentences, whose words are not names of the program."""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from pathlib import Path

from starcoder_lsp.languages import Language, language, language_of

FEWEST_WORDS = 4
# Rare in sentences: operators, brackets that open code, calls, members.
CODE = re.compile(r"[=\[\]{}<>@_]|\w\(|\w\.\w")
PUNCTUATION = "\"'`()*.,;:!?"
MAX_REMEMBERED = 1024


def is_prose(text: str, path: str) -> bool:
    """Return whether a line is a comment, or reads like a sentence of a docstring.

    >>> is_prose("    The values of the trend.", "a.py")
    True
    >>> is_prose("for name in names:", "a.py"), is_prose("#define MAX 1", "a.c")
    (False, False)
    >>> is_prose(" * What it says.", "a.c"), is_prose("*p = 1;", "a.c")
    (True, False)
    """
    row = _language(path)
    line = text.strip()
    if row.comment and line.startswith(row.comment):
        return True
    if row.block_comment[0] == "/*":
        return line.startswith(("/*", "* "))
    return row.docstring and _is_sentence(line)


def _is_sentence(line: str) -> bool:
    words = line.split()
    if len(words) < FEWEST_WORDS or keyword.iskeyword(words[0]) or CODE.search(line):
        return False
    return all(word.strip(PUNCTUATION)[:1].isalpha() for word in words)


@lru_cache(MAX_REMEMBERED)
def _language(path: str) -> Language:
    return language(language_of(Path(path)))
