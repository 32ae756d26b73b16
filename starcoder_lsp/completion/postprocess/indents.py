"""A rule that gives a text the indentation of its document.

Models write the unit that they saw most, and chat-trained ones also write a block from
the left edge, as if it stood alone.
"""

from __future__ import annotations

import re
from math import gcd

from starcoder_lsp.completion.postprocess.place import Place, width
from starcoder_lsp.languages.lines import indentation

# Lines that may stand at the depth of the line that opens their block.
LABEL = re.compile(r"\s*(?:case|default|public|private|protected)\b")
CONTINUATION = re.compile(r"\s*[?:.&|+]")
# The units in which models write.
USUAL_UNITS = (2, 4, 8)
LEVELS = tuple(" " * n for n in USUAL_UNITS)


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
    base = indentation(line)
    lines = rest.split("\n")
    body = next((one for one in lines if one.strip()), "")
    space = indentation(body)
    opens = _opens_block(line, place)
    is_end = bool(place.row.closes.match(body.lstrip()))
    if opens and base and not is_end and _is_from_left_edge(body, base, unit):
        return _joined(first, [base + one if one.strip() else one for one in lines])
    if "\t" not in base + space + unit and opens:
        written = _unit_from_left_edge(space, base, unit)
        if written:
            moved = [_indented(one, " " * written, unit, "") for one in lines]
            return _joined(first, moved)
    written_unit = _unit_of(space, base, unit, opens)
    if not written_unit or written_unit in (unit, *place.usual_indents):
        return text
    return _joined(first, [_indented(one, written_unit, unit, base) for one in lines])


def _joined(first: str, lines: list[str]) -> str:
    return "\n".join([first, *lines])


def _opens_block(line: str, place: Place) -> bool:
    said = line.rstrip()
    opens = bool(place.row.opens.search(said)) and said[-1:] not in "(["
    return opens and not place.before.literal and not _continues(said, place)


def _continues(line: str, place: Place) -> bool:
    """Return whether a line goes on with what the lines above it begin."""
    if place.is_inside_brackets_above:
        return True
    above = place.above.rstrip()
    if CONTINUATION.match(line) and not above.endswith((";", "{", "}")):
        return True
    is_head = above.endswith(":") and not LABEL.match(above) and line.endswith("{")
    return is_head or above.endswith((",", "=", "&&", "||"))


def _is_from_left_edge(body: str, base: str, unit: str) -> bool:
    """Return whether the block is written as if its head had no indentation."""
    space = indentation(body)
    one_level = (unit, "\t", *LEVELS) if unit != "\t" else ("\t", *LEVELS[:2])
    is_left = width(body) <= width(base + ".") and not LABEL.match(body)
    return is_left and space in one_level


def _unit_from_left_edge(space: str, base: str, unit: str) -> int:
    """Return the spaces of one level, where all levels are written in another unit.

    0 if the first line of the body has the document's unit, or tells no other.
    """
    n_levels, rest = divmod(len(base), len(unit))
    n_spaces, spare = divmod(len(space), n_levels + 1)
    is_right = len(space) == len(base) + len(unit)
    is_other = not rest and not spare and n_spaces in USUAL_UNITS
    return n_spaces if n_levels and is_other and not is_right else 0


def _unit_of(space: str, base: str, unit: str, opens: bool) -> str:
    """Return one level of the text's own indentation; `""` if it cannot be told."""
    if not space:
        return ""
    if "\t" in space:
        return "\t"
    if unit == "\t":
        n_levels = base.count("\t") + opens
        if n_levels and len(space) % n_levels == 0:
            return space[: len(space) // n_levels]
        return " " * gcd(len(space), 4)
    step = len(space) - len(base)
    is_step = opens and "\t" not in base and 1 < step <= 8
    return " " * step if is_step else unit


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
