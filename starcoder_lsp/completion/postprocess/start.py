"""Rules for the beginning of a text; they run before the rules that find its end."""

from __future__ import annotations

import re
from math import gcd

from starcoder_lsp.completion.postprocess.place import Place, width
from starcoder_lsp.languages.lines import indentation

OPENING_FENCE = re.compile(
    r"\s*(?:```|~~~)[\w+-]*[ \t]*\n|\s*<think>.*?</think>\s*", re.DOTALL
)
LETTER = re.compile(r"[^\W\d_]")
SHORTEST_ECHO = 3
MOST_LEADING_LINES = 3
MOST_SPACE = 100
# The least indentation of a body, in columns, if the document tells none.
SMALLEST_STEP = 4
MARKUP = frozenset(("markdown", "rmd", "quarto", "mdx", "asciidoc", "html", "xml"))


def opening(text: str, place: Place) -> str:
    r"""Remove the opening fence or the thoughts of a chat-trained model.

    >>> opening("```python\nx = 1\n```", Place.marked("█"))
    'x = 1\n```'
    """
    if place.cursor.document.language in MARKUP:
        return text
    found = OPENING_FENCE.match(text)
    return text[found.end() :] if found else text


def line_echo(text: str, place: Place) -> str:
    """Remove the start of the cursor's line where the model repeats it.

    >>> line_echo("return x + 1", Place.marked("    return x█"))
    ' + 1'
    """
    typed = place.cursor.line_prefix.strip()
    if len(typed) < SHORTEST_ECHO or not LETTER.search(typed):
        return text
    start = text.lstrip(" \t")
    return start[len(typed) :] if start.startswith(typed) else text


def join(text: str, place: Place) -> str:
    r"""Remove leading space, line breaks and indentation that the cursor's line has.

    >>> join(" 1", Place.marked("x = █"))
    '1'
    >>> join("\n    return", Place.marked("    x = 1\n    █"))
    'return'
    """
    typed = place.cursor.line_prefix
    if len(text) > MOST_SPACE and not text.strip():
        # Endless space; the rules against repetition stop it.
        return text
    if not place.is_blank_line:
        spaced = typed.endswith(" ") and typed.strip() and not place.before.literal
        return text.lstrip(" ") if spaced else text
    lines = text.lstrip("\n")
    if not lines and len(text) <= MOST_LEADING_LINES:
        return ""
    space = lines[: len(lines) - len(lines.lstrip(" \t"))]
    if len(lines) < len(text):
        # The text begins with a whole line; one that leaves the block is kept as it is.
        return lines[len(typed) :] if space.startswith(typed) else text
    if not typed or place.before.opens or "\t" in space:
        return text
    deepest = width(place.above)
    if place.row.opens.search(place.above.rstrip()):
        deepest += max(len(place.indent), SMALLEST_STEP)
    n_spare = max(width(typed) + len(space) - max(deepest, width(typed)), 0)
    return lines[min(n_spare, len(space)) :] if n_spare else text


def indent(text: str, place: Place) -> str:
    r"""Convert the indentation to the unit of the document: tabs, or so many spaces.

    >>> indent("\n  return 1", Place.marked("def g():\n    pass\n\ndef f():█"))
    '\n    return 1'
    """
    unit = place.indent
    first, newline, rest = text.partition("\n")
    if not newline or not unit:
        return text
    line = place.cursor.line_prefix + first
    lines = rest.split("\n")
    body = next((one for one in lines if one.strip()), "")
    opens = (
        bool(place.row.opens.search(line.rstrip())) and line.rstrip()[-1:] not in "(["
    )
    written = _unit_of(body, line, opens, place)
    if not written or written == unit:
        return text
    base = indentation(line)
    return (
        first
        + newline
        + "\n".join(_indented(one, written, unit, base) for one in lines)
    )


def _unit_of(body: str, line: str, opens: bool, place: Place) -> str:
    """Return one level of the text's own indentation; `""` if it cannot be told."""
    space = body[: len(body) - len(body.lstrip(" \t"))]
    if not space:
        return ""
    if "\t" in space:
        return "\t"
    base = indentation(line)
    if place.indent == "\t":
        n_levels = base.count("\t") + opens
        if n_levels and len(space) % n_levels == 0:
            return space[: len(space) // n_levels]
        return " " * gcd(len(space), 4)
    step = len(space) - len(base)
    is_step = opens and "\t" not in base and 1 < step <= 8
    return " " * step if is_step else place.indent


def _indented(line: str, written: str, unit: str, base: str) -> str:
    r"""Return the line with each level `written` replaced by `unit`.

    Spaces that are not a whole level stay, such as before the star of a comment.
    """
    content = line.lstrip(" \t")
    space = line[: len(line) - len(content)]
    if "\t" in written or unit == "\t":
        n_levels, spare = _levels(space, written)
        return unit * n_levels + spare + content
    if len(space) < len(base):
        return line
    n_levels, n_spare = divmod(len(space) - len(base), len(written))
    return base + unit * n_levels + " " * n_spare + content


def _levels(space: str, written: str) -> tuple[int, str]:
    n_levels = 0
    while written and space.startswith(written):
        space, n_levels = space[len(written) :], n_levels + 1
    return n_levels, space
