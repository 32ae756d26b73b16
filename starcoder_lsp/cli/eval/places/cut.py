"""Cuts places out of code: the text around a cursor, and what a user wants to see there.

Four kinds of places are cut, from the code as it stands:

line     in the middle of a line; wanted is its rest, and the block that it opens
start    before the first word of a line; wanted is the line, and the block it opens
opener   behind a line that opens a block; wanted is the block with its last line
empty    the blank line below such a line; wanted is the same

The document ends below the cursor, or goes on behind what is wanted. In the variant
`closed` an editor has inserted the closers of everything that the line opens.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starcoder_lsp.languages import Language, language, language_of
from starcoder_lsp.languages.lines import indentation

KINDS = ("line", "start", "opener", "empty")
# Lines that the text of a model goes on with behind what is wanted.
LINES_MORE = 10
MAX_CHARACTERS = 100_000
MAX_WANTED_LINES = 100
PER_FILE = 4
CLOSER_OF = {"(": ")", "[": "]", "{": "}"}
QUOTES = "\"'`"
PAIRS = {**CLOSER_OF, **{quote: quote for quote in QUOTES}}
WORD = re.compile(r"\w\w+")
GOES_ON = re.compile(r"[({\[]$")


@dataclass(frozen=True)
class SourceFile:
    """The lines of a file, without their line ends, and its language."""

    name: str
    language: str
    lines: Sequence[str]

    @property
    def row(self) -> Language:
        return language(self.language)


def cut(folder: Path, n_wanted: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return up to `n_wanted` places of each language, from different files if possible."""
    chance = random.Random(seed)
    sources: dict[str, list[SourceFile]] = {}
    for file in sorted(folder.rglob("*")):
        if source := _read(file, folder):
            sources.setdefault(source.language, []).append(source)
    places = []
    for name in sorted(sources):
        found = [one for source in sources[name] for one in _of_file(source, chance)]
        chance.shuffle(found)
        places += found[:n_wanted]
    return places


def _read(file: Path, folder: Path) -> SourceFile | None:
    name = language_of(file)
    if not file.is_file() or name == "plaintext":
        return None
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if len(text) > MAX_CHARACTERS:
        return None
    return SourceFile(str(file.relative_to(folder)), name, text.splitlines())


def _of_file(source: SourceFile, chance: random.Random) -> Iterator[dict[str, Any]]:
    said = [i for i, line in enumerate(source.lines) if WORD.search(line)]
    chance.shuffle(said)
    n_cut = 0
    for i in said:
        found = _at(source, i, KINDS[n_cut % len(KINDS)], chance)
        if found is not None:
            yield found
            n_cut += 1
        if n_cut == PER_FILE:
            return


def _at(
    source: SourceFile, i: int, kind: str, chance: random.Random
) -> dict[str, Any] | None:
    """Return the place of one kind at a line; None if the line has no such place."""
    line = source.lines[i]
    end = end_of_block(source.lines, i, source.row)
    if kind in ("opener", "empty") and source.row.floats.match(line.strip()):
        return None
    if end - i > MAX_WANTED_LINES or (kind in ("opener", "empty") and end <= i + 1):
        return None
    at = _column(line, kind, chance)
    if kind == "start" and i and source.row.opens.search(source.lines[i - 1].rstrip()):
        # The same place as one of the kind `empty`.
        return None
    if len(line[at:].strip()) == 1 or (line[:at][-1:] + line[at:][:1]).isspace():
        return None
    above, rest = source.lines[:i], line[at:]
    before = "\n".join([*above, line[:at]])
    wanted = "\n".join([rest, *source.lines[i + 1 : end + 1]])
    if kind == "empty" and end > i and _is_brace(source.lines, i + 1, _width(line)):
        return None
    if kind == "empty":
        body = source.lines[i + 1]
        if not body.strip():
            return None
        before += f"\n{indentation(body)}"
        wanted = wanted[1 + len(indentation(body)) :]
    raw = "\n".join([wanted, *source.lines[end + 1 : end + 1 + LINES_MORE]])
    is_last = chance.random() < 0.5
    after = "\n" if is_last else "\n".join(["", *source.lines[end + 1 :], ""])
    place = {
        "language": source.language, "source": source.name, "row": i + 1, "kind": kind,
        "variant": "plain", "before": before, "after": after, "raw": raw,
        "wanted": wanted,
    }  # fmt: skip
    return _closed(place, line, source.row) if chance.random() < 0.4 else place


def _column(line: str, kind: str, chance: random.Random) -> int:
    indent = len(indentation(line))
    if kind == "start":
        return indent
    if kind == "line":
        return chance.randrange(indent + 1, max(len(line.rstrip()), indent + 2))
    return len(line)


def end_of_block(lines: Sequence[str], i: int, row: Language) -> int:
    """Return the index of the last line of the block that a line opens; `i` for none.

    >>> end_of_block(["if (x) {", "  a();", "}", "b();"], 0, language("c"))
    2
    """
    end, base = i, _width(lines[i])
    if row.allman and _is_brace(lines, i + 1, base) and not lines[i].endswith(";"):
        end = i + 1
    while row.opens.search(lines[end].rstrip()):
        at = end + 1
        while at < len(lines) and _is_inside(lines[at], base, row):
            at += 1
        closes = at < len(lines) and _is_closer(lines[at], base, row)
        if not closes:
            return _last_said(lines, end, at - 1, row)
        end = at
    return end


def _width(line: str) -> int:
    return len(indentation(line).expandtabs())


def _is_brace(lines: Sequence[str], i: int, base: int) -> bool:
    """Return whether a line has the opening brace of the line above it, and only that."""
    return i < len(lines) and lines[i].rstrip().expandtabs() == " " * base + "{"


def _is_inside(line: str, base: int, row: Language) -> bool:
    is_deeper = _width(line) > base
    return not line.strip() or is_deeper or bool(row.floats.match(line.strip()))


def _is_closer(line: str, base: int, row: Language) -> bool:
    return _width(line) == base and bool(row.closes.match(line.lstrip()))


def _last_said(lines: Sequence[str], first: int, last: int, row: Language) -> int:
    """Return the last line that belongs to a block: no blank one, label or directive."""
    while last > first and (
        not lines[last].strip() or row.floats.match(lines[last].strip())
    ):
        last -= 1
    return last


def _closed(place: dict[str, Any], line: str, row: Language) -> dict[str, Any]:
    """Return the place with the closers of what the line leaves open after the cursor."""
    if place["kind"] == "start":
        return place
    if place["kind"] == "empty":
        body, newline, last = place["wanted"].rpartition("\n")
        if not newline or last.strip()[:1] not in (*CLOSER_OF.values(), "e"):
            return place
        if any(
            _is_closer(one, len(indentation(last)), row) for one in body.split("\n")
        ):
            return place
        return {
            **place, "variant": "closed", "wanted": body,
            "after": f"\n{last}{place['after']}",
        }  # fmt: skip
    typed = line[: len(line) - len(place["wanted"].partition("\n")[0])]
    closers = closers_due(typed)
    if not closers:
        return place
    return {**place, "variant": "closed", "after": closers + place["after"]}


def closers_due(typed: str) -> str:
    """Return the closers of everything that `typed` leaves open, the innermost first.

    >>> closers_due('f(x, ["a'), closers_due("f()")
    ('"])', '')
    """
    due: list[str] = []
    for sign in typed:
        if due and sign == due[-1]:
            due.pop()
        elif sign in PAIRS and not (due and due[-1] in QUOTES):
            due.append(PAIRS[sign])
    return "".join(reversed(due))
