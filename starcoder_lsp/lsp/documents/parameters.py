"""Reads the parameters of notifications as tolerantly as possible.

Clients send `null` for a version or a language, columns beyond 2^31 for the end of a
line, and floats for integers. If we rejected such a notification, our text would differ
from the editor's until the document is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starcoder_lsp.lsp.documents.positions import Span

# The largest number that the specification has for lines and columns.
LARGEST_UINTEGER = 2**31 - 1
WIDEST_INDENT = 16


@dataclass(frozen=True)
class Item:
    """A document that a client opens; None for what is missing."""

    uri: str
    language: str | None
    version: int | None
    text: str | None


@dataclass(frozen=True)
class Change:
    """One change of a document; without a span it replaces the whole text."""

    span: Span | None
    text: str


def field(params: Any, *names: str) -> Any:
    """Return a nested field; None if it is missing.

    >>> field({"textDocument": {"uri": "file:///a"}}, "textDocument", "uri")
    'file:///a'
    >>> field({"textDocument": None}, "textDocument", "uri")
    """
    for name in names:
        params = params.get(name) if isinstance(params, dict) else None
    return params


def text_field(params: Any, *names: str) -> str | None:
    found = field(params, *names)
    return found if isinstance(found, str) else None


def list_field(params: Any, *names: str) -> list[Any]:
    found = field(params, *names)
    return found if isinstance(found, list) else []


def count_field(params: Any, *names: str) -> int | None:
    """Return a field that is a whole number from 0 on; None if it is not.

    >>> count_field({"n": 3.0}, "n"), count_field({"n": 2.5}, "n")
    (3, None)
    """
    found = field(params, *names)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return found if type(found) is int and found >= 0 else None


def item_of(params: Any) -> Item | None:
    """Read a document that is opened; None if it has no URI."""
    uri = text_field(params, "uri")
    if uri is None:
        return None
    language, text = text_field(params, "languageId"), text_field(params, "text")
    return Item(uri, language, count_field(params, "version"), text)


def change_of(params: Any) -> Change | None:
    """Read a change; None if it cannot be applied."""
    text, range_ = text_field(params, "text"), field(params, "range")
    if text is None:
        return None
    if range_ is None:
        return Change(None, text)
    start, end = place_of(field(range_, "start")), place_of(field(range_, "end"))
    return Change(Span(start, end), text) if start and end else None


def place_of(params: Any) -> tuple[int, int] | None:
    """Read a position as line and column; None if it is not one.

    >>> place_of({"line": 1, "character": 2**64})
    (1, 2147483647)
    """
    line, column = count_field(params, "line"), count_field(params, "character")
    if line is None or column is None:
        return None
    return min(line, LARGEST_UINTEGER), min(column, LARGEST_UINTEGER)


def indent_of(options: Any) -> str:
    """Return one level of indentation by LSP's FormattingOptions; `""` if it is not told.

    >>> indent_of({"tabSize": 2, "insertSpaces": True})
    '  '
    """
    width = count_field(options, "tabSize") or 0
    with_spaces = field(options, "insertSpaces")
    if with_spaces is False:
        return "\t"
    return " " * width if with_spaces is True and width <= WIDEST_INDENT else ""


def uris_of(params: Any, *names: str) -> Iterator[str]:
    """Yield the URI of each object in a list that has one."""
    for one in list_field(params, *names):
        if (uri := text_field(one, "uri")) is not None:
            yield uri
