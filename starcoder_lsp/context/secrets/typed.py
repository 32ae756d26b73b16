"""Finds a secret that the user is typing: it ends with the text, and may still be short."""

from __future__ import annotations

import re

from starcoder_lsp.context.secrets.assignments import values
from starcoder_lsp.context.secrets.detect import Secret
from starcoder_lsp.context.secrets.idioms import CURL_USER, QUOTED
from starcoder_lsp.context.secrets.positional import positional
from starcoder_lsp.context.secrets.provider_formats import is_begun
from starcoder_lsp.context.secrets.searchable import Searchable
from starcoder_lsp.context.secrets.values import Mark

# A value that begins so refers to a secret that is elsewhere.
REFERENCE = tuple("$%{<*&!@")
# A bare value in code is not among them: it is the name of something.
FORMS = ("open", "setting", "parameter")
NEAR = 512
BEGUN: tuple[tuple[Mark, re.Pattern[str]], ...] = (
    ("PASSWORD", re.compile(
        r"""://[^\s/@:"'`<>]{0,128}:(?!\d{1,5}\Z)(?P<value>[^\s/@"'`<>{}]{1,256})\Z"""
    )),
    ("PASSWORD", re.compile(
        rf"""\bcurl .{{0,300}}?{CURL_USER}(?P<value>[^\s"']{{1,128}})\Z"""
    )),
    ("PASSWORD", re.compile(
        rf"""(?<![A-Za-z])(?i:auth)\w{{0,16}}[ ]?=?[ ]?\([ ]?{QUOTED},[ ]{{0,4}}["'](?P<value>[^"'\r\n]{{1,128}})\Z"""
    )),
    ("KEY", re.compile(r"""\b(?i:bearer|basic)[ ]{1,4}(?P<value>[\w.~+/=-]{4,})\Z""")),
)  # fmt: skip
# The rest of a password that is being typed, as it may be, and the ends of its string.
REST, ENDS = "8Qz4", ('")', "')")
LAST_WORD = re.compile(r"[\w.~-]{6,256}\Z")


def secret_typed(text: str, language: str) -> Secret | None:
    """Return the secret that ends with `text`, if one does."""
    where = Searchable(text)
    for value in values(where, language):
        is_here = value.end == len(text) and value.form in FORMS and value.is_exact
        if is_here and value.start < value.end and text[value.start] not in REFERENCE:
            return Secret(value.start, value.end, value.mark)
    line = text[max(text.rfind("\n") + 1, len(text) - NEAR) :]
    return _begun(line, len(text) - len(line))


def _begun(line: str, before: int) -> Secret | None:
    for mark, pattern in BEGUN:
        found = pattern.search(line)
        if found and not found["value"].startswith(REFERENCE):
            return Secret(before + found.start("value"), before + len(line), mark)
    if (start := _place_of_password(line)) is not None:
        return Secret(before + start, before + len(line), "PASSWORD")
    word = LAST_WORD.search(line)
    if word and is_begun(word[0]):
        return Secret(before + word.start(), before + len(line), "KEY")
    return None


def _place_of_password(line: str) -> int | None:
    """Return where a password begins that its place reveals and that ends with `line`."""
    for end in ENDS:
        for start, stop in positional(Searchable(line + REST + end), only_sure=True):
            if start < len(line) < stop and line[start] not in REFERENCE:
                return start
    return None
