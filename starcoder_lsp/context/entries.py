"""One file as the index keeps it; workers make it so, and the indexer only writes it."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from starcoder_lsp.context.chunks import Span, parts_of, spans
from starcoder_lsp.context.symbols import Definition, Import, Symbols
from starcoder_lsp.context.wire import import_from

# The last fields of an entry: definitions, imports and the text.
N_TEXTS = 3
HUMP = re.compile("[a-z][A-Z]")


class Entry(NamedTuple):
    """All of one file.

    `definitions` and `imports` are JSON already, which nobody reads before they are
    looked up. A chunk is its first line and its last one; `parts` has for each the words
    that names defined there are made of, where the text does not show them as words.
    """

    language: str
    package: str
    is_complete: bool
    names: Sequence[str]
    n_definitions: int
    chunks: Sequence[Sequence[int]]
    parts: Sequence[str]
    definitions: str
    imports: str
    text: str


def entry_of(text: str, symbols: Symbols) -> Entry:
    cut = spans(text, symbols.definitions)
    return Entry(
        symbols.language,
        symbols.package,
        symbols.is_complete,
        names_of(symbols.definitions),
        len(symbols.definitions),
        cut,
        parts_in(cut, symbols.definitions),
        json.dumps(symbols.definitions, separators=(",", ":")),
        json.dumps(symbols.imports, separators=(",", ":")),
        text,
    )


def to_wire(entry: Entry) -> tuple[list[Any], bytes]:
    """What goes as JSON, and the bytes beside it."""
    texts = entry.definitions, entry.imports, entry.text
    raw = [text.encode("utf-8", "replace") for text in texts]
    return [*entry[:-N_TEXTS], *map(len, raw)], b"".join(raw)


def from_wire(row: Sequence[Any], raw: bytes) -> Entry:
    texts, at = [], 0
    for n_bytes in row[-N_TEXTS:]:
        texts.append(raw[at : at + n_bytes].decode())
        at += n_bytes
    return Entry(*row[:-N_TEXTS], *texts)


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
