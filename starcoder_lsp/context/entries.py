"""One file as the index keeps it; workers make it so, and the indexer only writes it."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from starcoder_lsp.context.chunks import Span, parts_of, spans
from starcoder_lsp.context.symbols import Definition, Import, Symbols
from starcoder_lsp.context.wire import import_from

HUMP = re.compile("[a-z][A-Z]")


class Entry(NamedTuple):
    """All of one file, as JSON may carry it.

    `definitions` and `imports` are JSON already, which nobody reads before they are
    looked up. A chunk is its first line and its last one; `parts` has for each the words
    that names defined there are made of, where the text does not show them as words.
    """

    language: str
    package: str
    is_complete: bool
    names: Sequence[str]
    n_definitions: int
    definitions: str
    imports: str
    chunks: Sequence[Sequence[int]]
    parts: Sequence[str]
    text: str


def entry_of(text: str, symbols: Symbols) -> Entry:
    cut = spans(text, symbols.definitions)
    return Entry(
        symbols.language,
        symbols.package,
        symbols.is_complete,
        names_of(symbols.definitions),
        len(symbols.definitions),
        json.dumps(symbols.definitions, separators=(",", ":")),
        json.dumps(symbols.imports, separators=(",", ":")),
        cut,
        parts_in(cut, symbols.definitions),
        text,
    )


def names_of(definitions: Iterable[Definition]) -> list[str]:
    """Each once."""
    return sorted({one.name for one in definitions})


def parts_in(cut: Sequence[Span], definitions: Iterable[Definition]) -> list[str]:
    """Of `readFile` the index sees one word, and of `read_file` two.

    >>> parts_in([Span(0, 9)], [Definition("readFile", "function", 3, 4, 4, "")])
    ['read file']
    """
    found = [""] * len(cut)
    humped = [one for one in definitions if HUMP.search(one.name)]
    for one in humped:
        at = _chunk_of(cut, one.first_line)
        found[at] = f"{found[at]} {' '.join(parts_of(one.name))}".lstrip()
    return found


def _chunk_of(cut: Sequence[Span], line: int) -> int:
    return bisect_right(cut, line, key=lambda span: span[0]) - 1


def definitions_from(written: str) -> list[Definition]:
    return [Definition(*row) for row in json.loads(written)]


def imports_from(written: str) -> list[Import]:
    return list(map(import_from, json.loads(written)))
