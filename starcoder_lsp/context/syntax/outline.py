"""Source without the bodies of its functions, so that indexing parses half as much.

What stands in a function is of no use to other files. The lines stay where they are:
a body becomes empty lines, so that what is found has the line numbers of the source.
Where this reads badly formatted code wrongly the parse has errors, and the caller goes
back to the whole source.
"""

from __future__ import annotations

import re
from functools import cache

from starcoder_lsp.languages import NOTHING, Language

# Shorter bodies are not worth it,
SHORTEST = 3
# nor is a source that stays nearly as long: it would be parsed twice when it has errors.
WORTH = 0.8
# How many lines a signature may have.
LONGEST_HEAD = 40
OPENS = re.compile(rb"\{[ \t]*\r?\n")
TRIPLE = (b'"""', b"'''")
DOCSTRING = re.compile(rb"\s*[rRuU]?(\"\"\"|'''|[\"'])(.*)")


def outline(source: bytes, row: Language) -> bytes:
    heads = row.routine.pattern
    if row.routine is NOTHING:
        return source
    brief = (_braced if heads.endswith("$") else _indented)(source, heads)
    return brief if len(brief) < WORTH * len(source) else source


def _braced(source: bytes, heads: str) -> bytes:
    r"""Bodies up to the brace that stands as deep as the line that opens them.

    >>> _braced(b"f() {\n  1;\n  2;\n  3;\n}\n", r"^( *)\w+\(\) *\{$")
    b'f() {\n\n\n\n}\n'
    """
    kept, done, at = [], 0, 0
    while opening := OPENS.search(source, at):
        at = opening.end() - 1
        line_start = source.rfind(b"\n", 0, opening.start()) + 1
        line = source[line_start : opening.start() + 1]
        depth = line[: len(line) - len(line.lstrip())]
        if len(depth) + 1 == len(line):
            above = source.rfind(b"\n", 0, max(0, line_start - 1)) + 1
            line = source[above:line_start].rstrip() + b" {"
        end = source.find(b"\n" + depth + b"}", at)
        if end < 0 or not _compiled(heads).match(line):
            continue
        n_lines = source.count(b"\n", at, end)
        if n_lines >= SHORTEST:
            kept += [source[done:at], b"\n" * n_lines]
            done = end
        at = end
    return b"".join([*kept, source[done:]])


@cache
def _compiled(heads: str) -> re.Pattern[bytes]:
    return re.compile(heads.encode())


def _indented(source: bytes, heads: str) -> bytes:
    """Bodies by their indentation; the last line keeps the docstring's first."""
    head = _compiled(heads)
    lines = source.split(b"\n")
    i = 0
    while i < len(lines):
        match = head.match(lines[i])
        if match is None:
            i += 1
            continue
        first = _end_of_head(lines, i)
        end = _end_of_body(lines, first, len(match[1]))
        if end - first >= SHORTEST:
            lines[first:end] = [b""] * (end - first - 1) + [_remains(lines[first:end])]
        i = max(end, i + 1)
    return b"\n".join(lines)


def _end_of_head(lines: list[bytes], start: int) -> int:
    for i in range(start, min(start + LONGEST_HEAD, len(lines))):
        line = lines[i]
        if line.endswith(b":") or line.partition(b"#")[0].rstrip().endswith(b":"):
            return i + 1
    return start + 1


def _end_of_body(lines: list[bytes], start: int, indentation: int) -> int:
    """After the last line that is deeper, or part of a string that began deeper."""
    quote, end = b"", start
    for i in range(start, len(lines)):
        line = lines[i]
        if quote:
            quote = b"" if line.count(quote) % 2 else quote
            end = i + 1
            continue
        text = line.lstrip()
        if not text:
            continue
        if len(line) - len(text) <= indentation:
            break
        if b'"""' in line or b"'''" in line:
            quote = next((one for one in TRIPLE if line.count(one) % 2), b"")
        end = i + 1
    return end


def _remains(body: list[bytes]) -> bytes:
    """One line that stands for all of them: the docstring's first, or three dots."""
    written = (i for i, line in enumerate(body) if line.strip()[:1] not in (b"", b"#"))
    i = next(written, 0)
    line = body[i]
    docstring = DOCSTRING.match(line)
    if docstring is None:
        return line[: len(line) - len(line.lstrip())] + b"..."
    quote, text = docstring[1], docstring[2]
    if quote not in TRIPLE:
        return line
    if not text.strip() and i + 1 < len(body):
        return line + body[i + 1].strip().removesuffix(quote) + quote
    return line if quote in text else line + quote
