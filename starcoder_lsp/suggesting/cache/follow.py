"""Compares typed text with a suggestion."""

from __future__ import annotations

from starcoder_lsp.languages.lines import indentation


def follow(text: str, typed: str) -> str | None:
    r"""Return the rest of a suggestion once `typed` is typed; None when they differ.

    White space at either end of a line may differ, because editors indent on their own.
    The remaining lines then get the typed indentation.

    >>> follow("return value", "ret"), follow("return value", "x")
    ('urn value', None)
    >>> follow("\n  if a:\n    b", "\n\tif ")
    'a:\n\t  b'
    """
    if text.startswith(typed):
        return text[len(typed) :]
    lines, ours = typed.split("\n"), text.split("\n")
    n_done = len(lines) - 1
    if len(ours) < len(lines) or any(
        line.strip() != our.strip() for line, our in zip(lines[:-1], ours, strict=False)
    ):
        return None
    rest = _rest_of_line(ours[n_done], lines[-1])
    below = ours[len(lines) :]
    if n_done:
        is_indenting = not lines[-1].strip() and ours[n_done].startswith(lines[-1])
        indents = indentation(ours[n_done]), indentation(lines[-1])
        moved = below if is_indenting else _indented(below, *indents)
        if moved is None:
            return None
        below = moved
    return None if rest is None else "\n".join([rest, *below])


def _rest_of_line(line: str, typed: str) -> str | None:
    if line.startswith(typed):
        return line[len(typed) :]
    words, wanted = typed.lstrip(), line.lstrip()
    return wanted[len(words) :] if wanted.startswith(words) else None


def _indented(lines: list[str], ours: str, theirs: str) -> list[str] | None:
    """Replace the indentation `ours` by `theirs`; None when a line has less of it."""
    if ours == theirs:
        return lines
    moved = []
    for line in lines:
        if line.strip() and not line.startswith(ours):
            return None
        moved.append(theirs + line[len(ours) :] if line.strip() else line)
    return moved
