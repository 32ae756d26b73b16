"""Reads what notifications say of documents, as far as it can be read.

Clients send `null` for a version or a language, columns beyond 2^31 for "the end of the
line", and floats for integers. To drop such a notification whole, as a strict reading
would, lets our text differ from the editor's until the document is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starcoder_lsp.lsp.documents.positions import Span


@dataclass(frozen=True)
class Item:
    """A document as a client opens it; None for what it does not say."""

    uri: str
    language: str | None
    version: int | None
    text: str | None


@dataclass(frozen=True)
class Change:
    """One change of a document; without a span it replaces everything."""

    span: Span | None
    text: str


def field(params: Any, *names: str) -> Any:
    """A field inside of objects; None where there is none.

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
    """A number of things; None for what is no whole number, or below zero.

    >>> count_field({"n": 3.0}, "n"), count_field({"n": 2.5}, "n")
    (3, None)
    """
    found = field(params, *names)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return found if type(found) is int and found >= 0 else None


def item_of(params: Any) -> Item | None:
    """A document that is opened; None when it has no name."""
    uri = text_field(params, "uri")
    if uri is None:
        return None
    language, text = text_field(params, "languageId"), text_field(params, "text")
    return Item(uri, language, count_field(params, "version"), text)


def change_of(params: Any) -> Change | None:
    """A change that a client sends; None when nobody can say what it changes."""
    text, range_ = text_field(params, "text"), field(params, "range")
    if text is None:
        return None
    if range_ is None:
        return Change(None, text)
    start, end = place_of(field(range_, "start")), place_of(field(range_, "end"))
    return Change(Span(start, end), text) if start and end else None


def place_of(params: Any) -> tuple[int, int] | None:
    """A position as line and column; None for what is none."""
    line, column = count_field(params, "line"), count_field(params, "character")
    return None if line is None or column is None else (line, column)


def uris_of(params: Any, *names: str) -> Iterator[str]:
    """The URIs of a list of objects that have one."""
    for one in list_field(params, *names):
        if (uri := text_field(one, "uri")) is not None:
            yield uri
