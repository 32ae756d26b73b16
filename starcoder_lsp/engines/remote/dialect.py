"""Reads the table of dialects, and what its rows say about requests and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from starcoder_lsp.flow import FinishReason

Form = Literal["ids", "text", "parts"]

# What servers call the end of a text; anything else is taken for a stop.
FINISHED: Mapping[str, FinishReason] = {
    "length": "length",
    "limit": "length",
    "max_tokens": "length",
    "model_length": "length",
    "abort": "cancelled",
    "cancelled": "cancelled",
}


@dataclass(frozen=True)
class Dialect:
    """A row of dialects.toml, whose comments explain the columns."""

    name: str
    title: str
    prompt: Form
    path: str
    body: Mapping[str, Any]
    event: Mapping[str, str]
    stream: Literal["sse", "ndjson"] = "sse"
    text_is_whole: bool = False
    needs_model: bool = True
    owned_by: tuple[str, ...] = ()
    health: str = ""
    models: str = ""
    model_names: str = "data.*.id"
    any_model: bool = False
    context: tuple[tuple[str, str], ...] = ()
    version: tuple[str, str] = ("", "")
    tokenize: Mapping[str, Any] = field(default_factory=dict)
    adapters: str = ""
    adapter_is_model: bool = False
    score: Mapping[str, Any] = field(default_factory=dict)
    beams: Mapping[str, Any] = field(default_factory=dict)
    branches: Mapping[str, Any] = field(default_factory=dict)
    max_stops: int = 0
    has_prefix_cache: bool = True


@cache
def dialects() -> Mapping[str, Dialect]:
    import tomllib  # not before the reply to initialize

    text = Path(__file__).with_name("dialects.toml").read_text("utf-8")
    return {name: _dialect(name, row) for name, row in tomllib.loads(text).items()}


def _dialect(name: str, row: Mapping[str, Any]) -> Dialect:
    pairs = {"context": tuple(map(tuple, row.get("context", ())))}
    lists = {key: tuple(row[key]) for key in ("owned_by", "version") if key in row}
    return Dialect(name, **{**row, **pairs, **lists})


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """Return a template with a value in place of each "$name".

    An entry whose value is None or empty is left out.

    >>> filled({"n": "$n", "stop": "$stop", "a": {"b": 1}}, {"n": 3, "stop": []})
    {'n': 3, 'a': {'b': 1}}
    """
    if isinstance(template, str) and template.startswith("$"):
        return values.get(template[1:])
    if not isinstance(template, Mapping):
        return template
    rows = {key: filled(value, values) for key, value in template.items()}
    return {key: row for key, row in rows.items() if row not in (None, [], "", {})}


def found(answer: Any, path: str) -> Any:
    """Return the value at a path of keys and indexes; None where there is none.

    "*" stands for every item of a list.

    >>> found({"a": [{"b": 1}, {"b": 2}]}, "a.1.b"), found({"a": [{"b": 1}]}, "a.*.b")
    (2, [1])
    """
    if not path:
        return None
    key, _, rest = path.partition(".")
    if key == "*":
        rows = answer if isinstance(answer, list) else []
        return [found(row, rest) if rest else row for row in rows]
    if isinstance(answer, Mapping):
        answer = answer.get(key)
    elif isinstance(answer, list) and key.isdigit():
        answer = answer[int(key)] if int(key) < len(answer) else None
    else:
        return None
    return found(answer, rest) if rest else answer
