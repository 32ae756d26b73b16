"""An entry: one file as the index stores it, made by a worker."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from starcoder_lsp.context.index.chunks import PARTS, ChunkSpan, spans
from starcoder_lsp.context.index.stored_rows import decoding
from starcoder_lsp.context.messages import import_from
from starcoder_lsp.context.symbols import MEMBERS, Definition, Import, Symbols

# The last fields of an entry: chunks, definitions, imports and the text.
N_RAW = 4
HAS_PARTS = re.compile("[a-z][A-Z]|[A-Za-z0-9]_[A-Za-z0-9]")

# A name, and whether it names only members in its file.
Name = tuple[str, bool]


class Entry(NamedTuple):
    """Everything the index stores of one file.

    `definitions` and `imports` are JSON, decoded only when they are looked up. `chunks`
    are the numbers of each `ChunkSpan`, four bytes a number. `parts` holds, for each
    chunk, the words inside names defined there that the text does not show as words.
    """

    language: str
    package: str
    is_complete: bool
    names: Sequence[Name]
    n_definitions: int
    parts: Sequence[str]
    chunks: bytes
    definitions: str
    imports: str
    text: str


def entry_of(text: str, symbols: Symbols) -> Entry:
    cut = list(spans(text, symbols.definitions))
    return Entry(
        symbols.language,
        symbols.package,
        symbols.is_complete,
        names_of(symbols.definitions),
        len(symbols.definitions),
        parts_in(cut, symbols.definitions),
        array("I", chain.from_iterable(cut)).tobytes(),
        json.dumps(symbols.definitions, separators=(",", ":")),
        json.dumps(symbols.imports, separators=(",", ":")),
        text,
    )


def to_wire(entry: Entry) -> tuple[list[Any], bytes]:
    """Return the JSON part and the bytes beside it."""
    texts = (entry.definitions, entry.imports, entry.text)
    raw = [entry.chunks, *(text.encode("utf-8", "replace") for text in texts)]
    return [*entry[:-N_RAW], *map(len, raw)], b"".join(raw)


def from_wire(row: Sequence[Any], raw: bytes) -> Entry:
    pieces, at = [], 0
    for n_bytes in row[-N_RAW:]:
        pieces.append(raw[at : at + n_bytes])
        at += n_bytes
    chunks, *texts = pieces
    return Entry._make([*row[:-N_RAW], chunks, *(each.decode() for each in texts)])


@decoding()
def spans_from(chunks: bytes) -> list[ChunkSpan]:
    numbers = iter(memoryview(chunks).cast("I").tolist())
    return list(map(ChunkSpan, numbers, numbers, numbers, numbers))


def names_of(definitions: Iterable[Definition]) -> list[Name]:
    """Return each name once, and whether it names only members.

    >>> names_of([Definition("a", "field", 0, 0, 1, "a"), Definition("a", "class", 2, 2, 3, "a")])
    [('a', False)]
    """
    are_members: dict[str, bool] = {}
    for one in definitions:
        is_member = one.kind in MEMBERS
        are_members[one.name] = is_member and are_members.get(one.name, True)
    return sorted(are_members.items())


def parts_in(cut: Sequence[ChunkSpan], definitions: Iterable[Definition]) -> list[str]:
    """Return, for each chunk, the words inside compound names such as `readFile`.

    >>> parts_in([ChunkSpan(0, 9, 0, 400)], [Definition("readFile", "function", 3, 4, 4, "")])
    ['read File ']
    """
    found = [""] * len(cut)
    first_lines = [span.first_line for span in cut]
    for one in definitions:
        if HAS_PARTS.search(one.name):
            at = bisect_right(first_lines, one.first_line) - 1
            found[at] += f"{' '.join(PARTS.findall(one.name))} "
    return found


@decoding()
def definitions_from(written: str) -> list[Definition]:
    return list(map(Definition._make, json.loads(written)))


@decoding()
def imports_from(written: str) -> list[Import]:
    return list(map(import_from, json.loads(written)))
