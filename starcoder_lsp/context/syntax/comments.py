"""Finds the first line of a definition's documentation in the text around it."""

from __future__ import annotations

import re

from starcoder_lsp.languages import Language

LONGEST_DOC = 200
# A comment may begin this many lines above its definition.
FAR_BYTES = 4000
DOCSTRING = re.compile(rb"\s*[rRuU]?(\"\"\"|'''|\"|')\s*(.*?)\s*(?:\1|\n|$)")
# The marks that open a comment on its first line, and those that close it there.
MARKS = re.compile(r"^[\s/*#!;%<>\-({\"'|=]+|\s*(?:\*/|-}|\*\)|-->|\"\"\"|]])\s*$")

TAGS = re.compile(r"</?\w+>")


def doc_inside(source: bytes, body: int) -> str:
    """Return the first line of the docstring that opens a body, as in Python."""
    match = DOCSTRING.match(source, body, body + FAR_BYTES)
    return match[2].decode("utf-8", "replace")[:LONGEST_DOC] if match else ""


def doc_above(source: bytes, start: int, row: Language) -> str:
    """Return the first line with words of the comment that ends right above `start`."""
    line_start = source.rfind(b"\n", 0, start) + 1
    # Most definitions have none: the line above is blank or code.
    last = source[source.rfind(b"\n", 0, max(line_start - 1, 0)) + 1 : line_start]
    if source[line_start:start].strip() or not _may_be_doc(last, row):
        return ""
    above = source[max(0, line_start - FAR_BYTES) : line_start]
    lines = above.decode("utf-8", "replace").split("\n")[:-1]
    while lines and row.between.match(lines[-1].strip()):
        lines.pop()
    return next((text for line in _comment(lines, row) if (text := words(line))), "")


def _may_be_doc(line: bytes, row: Language) -> bool:
    """Return whether a line may end a comment; most lines above a definition do not."""
    text = line.decode("utf-8", "replace").strip()
    if not text:
        return False
    if row.comment and text.startswith(row.comment):
        return True
    closing = row.block_comment[1]
    is_closed = bool(closing) and text.endswith(closing)
    return is_closed or row.between.match(text) is not None


def words(line: str) -> str:
    """Return a line of a comment without its marks.

    >>> words("/** Adds two numbers. */")
    'Adds two numbers.'
    """
    return MARKS.sub("", MARKS.sub("", TAGS.sub("", line)))[:LONGEST_DOC]


def _comment(lines: list[str], row: Language) -> list[str]:
    """Return the lines at the end of `lines` that form one comment."""
    if not lines:
        return []
    last = lines[-1].strip()
    opening, closing = row.block_comment
    if closing and last.endswith(closing):
        joined = "\n".join(lines).rstrip()
        start = joined.rfind(opening, 0, len(joined) - len(closing))
        return joined[max(start, 0) :].split("\n") if start >= 0 else []
    first = len(lines)
    while (
        row.comment and first > 0 and lines[first - 1].strip().startswith(row.comment)
    ):
        first -= 1
    return lines[first:]
