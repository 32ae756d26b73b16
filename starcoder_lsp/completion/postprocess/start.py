"""Rules for the beginning of a text; they run before the rules that find its end."""

from __future__ import annotations

import re

from starcoder_lsp.completion.postprocess.place import Place, width

THOUGHTS = re.compile(r"<think>.*?(?:</think>\s*|\Z)", re.DOTALL)
# A fence, with the language, a file name and such behind it.
OPENING_FENCE = re.compile(r"(?:```|~~~)[^\n`<]*(?:\n|\Z)")
WRAPPERS = (THOUGHTS, OPENING_FENCE)
# A sentence to the user before the code.
PREAMBLE = re.compile(
    r"(?:(?:Sure|Certainly|Of course|Okay|Great)[,!.]|Here(?:'s| is| are) |"
    r"(?:Below|The following|This) is |I(?:'ll| will|'ve| have) |"
    r"The (?:completed|missing|corrected|updated|full|next) )"
    r"[^\n]*(?:\n\s*|\Z)"
)
# The path of a file, as in training data and prompts.
PATH = re.compile(
    r"(?:#|//|--|;|%|<!--|/\*) ?(?:path|file|filename|filepath): [^\n]*(?:\n|\Z)",
    re.IGNORECASE,
)
LETTER = re.compile(r"[^\W\d_]")
SHORTEST_ECHO = 3
MOST_LEADING_LINES = 3
MOST_SPACE = 100
# The least indentation of a body, in columns, if the document tells none.
SMALLEST_STEP = 4
MARKUP = frozenset(("markdown", "rmd", "quarto", "mdx", "asciidoc", "html", "xml"))


def opening(text: str, place: Place) -> str:
    r"""Remove what a chat-trained model writes before the code.

    That is its thoughts, a sentence to the user, a Markdown fence, and the code's path.

    >>> opening("```python\nx = 1\n```", Place.marked("█"))
    'x = 1\n```'
    """
    if place.cursor.document.language in MARKUP or place.before.literal:
        return text
    begins_line = not place.cursor.line_prefix.strip()
    written = text.lstrip("\n")
    n_lines = len(text) - len(written)
    if n_lines > (MOST_LEADING_LINES if place.is_blank_line else 0):
        return text
    for pattern in (THOUGHTS, PREAMBLE, OPENING_FENCE, PATH):
        found = pattern.match(written.lstrip(" \t"))
        head = found[0].partition("\n")[0].strip() if found else ""
        is_usual = head in place.cursor.document.text
        if found and not is_usual and (begins_line or pattern in WRAPPERS):
            n_lines, written = 0, written.lstrip(" \t")[found.end() :]
    return "\n" * n_lines + written


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
        is_spaced = typed[-1:] in (" ", "\t") and bool(typed.strip())
        return text.lstrip(" \t") if is_spaced and not place.before.literal else text
    lines = text.lstrip("\n")
    if not lines and len(text) <= MOST_LEADING_LINES:
        return ""
    space = lines[: len(lines) - len(lines.lstrip(" \t"))]
    if len(lines) < len(text):
        # The text begins with a whole line; one that leaves the block is kept as it is.
        return lines[len(typed) :] if space.startswith(typed) else text
    if not typed or place.is_inside_brackets or place.before.literal or "\t" in space:
        return text
    deepest = width(place.above)
    if place.row.opens.search(place.above.rstrip()) and width(typed) <= deepest:
        deepest += max(len(place.indent), SMALLEST_STEP)
    n_spare = max(width(typed) + len(space) - max(deepest, width(typed)), 0)
    return lines[min(n_spare, len(space)) :] if n_spare else text
