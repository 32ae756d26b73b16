"""Finds which closing brackets and quotes after the cursor a text closes itself.

An editor inserts them when the user types an opener. They count as characters here, not
as code: editors close brackets in comments, strings and prose too.
"""

from __future__ import annotations

from collections.abc import Iterator

from starcoder_lsp.completion.postprocess.nesting import CLOSER_OF

OPENER_OF = {")": "(", "]": "[", "}": "{", ">": "<"}
QUOTES = frozenset("\"'`|")
# A sign that ends with > and is no bracket.
ARROWS = frozenset("-=")


def closed_by(text: str, closers: str) -> list[int]:
    """Return the offsets in `text` of those `closers` that would be there twice.

    What the text opens, it closes first; what it leaves open, the closers close.

    >>> closed_by("len(name)) + 1", ")"), closed_by("x'), y", "')"), closed_by("a", ")")
    ([9], [1, 2], [])
    >>> closed_by("a), g(b", ")")
    []
    """
    found: list[int] = []
    opened: list[str] = []
    for offset, sign in _signs(text):
        due = closers[len(found) : len(found) + 1]
        if opened and sign == opened[-1]:
            opened.pop()
        elif opened and opened[-1] in QUOTES:
            continue
        elif due and sign == due and (not opened or due in QUOTES):
            found.append(offset)
        elif due not in QUOTES and (
            closer := _closer_of(sign, due, closers, text, offset)
        ):
            opened.append(closer)
    n_reused = 0
    for closer, open_one in zip(closers, reversed(opened), strict=False):
        if closer != open_one:
            break
        n_reused += 1
    return found[: max(len(found) - n_reused, 0)]


def n_unmatched(text: str) -> int:
    """Count the brackets that have no counterpart in a text.

    >>> n_unmatched("see f(x[0], y"), n_unmatched("a) b")
    (1, 1)
    """
    due: list[str] = []
    n_surplus = 0
    for sign in text:
        if sign in CLOSER_OF:
            due.append(CLOSER_OF[sign])
        elif due and sign == due[-1]:
            due.pop()
        elif sign in CLOSER_OF.values():
            n_surplus += 1
    return len(due) + n_surplus


def _closer_of(sign: str, due: str, closers: str, text: str, offset: int) -> str:
    """Return the closer of an opening sign, `""` for any other sign.

    A quote that is closed neither on its line nor by the editor is an apostrophe, and `<`
    is a bracket only where `>` is due.
    """
    if sign in QUOTES:
        end = text.find(sign, offset + 1)
        is_string = 0 <= end < _line_end(text, offset) or sign in closers
        return sign if is_string and sign != "|" else ""
    closer = next((one for one, opener in OPENER_OF.items() if opener == sign), "")
    return closer if closer != ">" or due == ">" else ""


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return end if end >= 0 else len(text)


def _signs(text: str) -> Iterator[tuple[int, str]]:
    """Yield the characters with their offsets, but not escaped ones and arrows."""
    is_escaped = False
    for offset, sign in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif sign == "\\":
            is_escaped = True
        elif sign != ">" or text[offset - 1 : offset] not in ARROWS:
            yield offset, sign
