"""One file as the rows that the index keeps of it; workers make them, so that it only writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from starcoder_lsp.context.chunks import chunks, words_of
from starcoder_lsp.context.symbols import Definition, Import, Symbols

LISTED = "\x1f"  # between names in one column; no source text has it in a name
Row = Sequence[Any]


class Entry(NamedTuple):
    """All rows of one file, as JSON may carry them.

    A chunk is its first line, its last one and the text; `words` has those of each, or
    is None where nobody has looked for them yet.
    """

    language: str
    package: str
    is_complete: bool
    definitions: list[Row]
    imports: list[Row]
    chunks: Sequence[Row]
    words: Sequence[str] | None = None


def entry_of(text: str, symbols: Symbols) -> Entry:
    """Without the words of chunks: of a file that was known before few are new."""
    return Entry(
        symbols.language,
        symbols.package,
        symbols.is_complete,
        list(map(definition_row, symbols.definitions)),
        list(map(import_row, symbols.imports)),
        chunks(text, symbols.definitions),
    )


def with_words(entry: Entry) -> Entry:
    return entry._replace(words=[words_of(text) for _, _, text in entry.chunks])


def definition_row(one: Definition) -> Row:
    return [
        one.name, one.kind, one.first_line, one.last_line, one.body_line,
        one.signature, one.doc, one.container, one.is_exported,
    ]  # fmt: skip


def definition_from(row: Sequence[Any]) -> Definition:
    return Definition(*(*row[:-1], bool(row[-1])))


def import_row(one: Import) -> Row:
    return [one.module, one.line, LISTED.join(one.names), LISTED.join(one.aliases)]


def import_from(row: Sequence[Any]) -> Import:
    module, line, names, aliases = row
    return Import(module, line, _names(names), _names(aliases))


def _names(column: str) -> tuple[str, ...]:
    return tuple(column.split(LISTED)) if column else ()
