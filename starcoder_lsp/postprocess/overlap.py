"""Rules for text that is already there, after the cursor."""

from __future__ import annotations

from starcoder_lsp.postprocess.place import Place

OPENING, CLOSING = "([{", ")]}"


def line_rest(text: str, place: Place) -> str:
    """Cut the tail that the rest of the line says again.

    >>> line_rest("name)", Place.marked("print(█)"))
    'name'
    >>> line_rest("len(name)", Place.marked("print(█)"))
    'len(name)'
    """
    follows = place.cursor.line_suffix.rstrip()
    for length in range(min(len(follows), len(text)), 0, -1):
        kept = text[: len(text) - length]
        if text.endswith(follows[:length]) and _closes_all(kept):
            return kept
    return text


def next_lines(text: str, place: Place) -> str:
    r"""Cut trailing lines that stand right below the cursor.

    >>> next_lines("a = 1\nb = 2", Place.marked("█\nb = 2\nc = 3"))
    'a = 1'
    """
    cursor = place.cursor
    following = [line.rstrip() for line in cursor.lines_below if line.strip()]
    lines = text.split("\n")
    written = [cursor.line_prefix + lines[0], *lines[1:]]
    for start in range(len(lines)):
        tail = [line.rstrip() for line in written[start:] if line.strip()]
        kept = "\n".join(lines[:start])
        if tail and tail == following[: len(tail)] and _closes_all(kept):
            return kept
    return text


def _closes_all(text: str) -> bool:
    """Whether every bracket that `text` opens is closed in it."""
    depth = 0
    for character in text:
        if character in OPENING:
            depth += 1
        elif character in CLOSING and depth > 0:
            depth -= 1
    return depth == 0
