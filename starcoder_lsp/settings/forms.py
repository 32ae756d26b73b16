"""Forms that the value of a setting can have: numbers in a range, words, lists, paths."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Value = Any

AUTO = "auto"
# A value in a message is cut to this length: a file may hold anything.
MAX_SHOWN_CHARACTERS = 80


@dataclass(frozen=True)
class Form:
    """The form of a value; `name` completes the sentence "expected ...".

    `from_text` parses the value of a flag and raises ValueError or KeyError. `schema` is
    the form as JSON Schema, for editors that check settings while they are written.
    `why_not` says what is wrong with a value that is not accepted, or "" where the name
    tells it. `public` is the value as it may be shown.
    """

    name: str
    accepts: Callable[[Value], bool]
    from_text: Callable[[str], Value] = str
    schema: Mapping[str, Any] = field(default_factory=dict)
    why_not: Callable[[Value], str] = lambda value: ""
    public: Callable[[Value], Value] = lambda value: value


def integer(low: int, high: int) -> Form:
    def accepts(value: Value) -> bool:
        return type(value) is int and low <= value <= high

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Form(f"a whole number from {low} to {high}", accepts, int, schema)


def auto_or(form: Form) -> Form:
    """`form`, or the word "auto"."""

    def accepts(value: Value) -> bool:
        return value == AUTO or form.accepts(value)

    def from_text(text: str) -> Value:
        return text if text == AUTO else form.from_text(text)

    schema = {"anyOf": [{"const": AUTO}, form.schema]}
    return Form(f"{AUTO}, or {form.name}", accepts, from_text, schema)


def one_of(*words: str) -> Form:
    schema = {"type": "string", "enum": list(words)}
    return Form("one of " + ", ".join(words), lambda value: value in words, str, schema)


def list_of(words: Collection[str], name: str) -> Form:
    """A list that holds none but `words`."""

    def accepts(value: Value) -> bool:
        return _are_strings(value) and set(value) <= set(words)

    return Form(name, accepts, _words, _array({"enum": sorted(words)}))


def shown(value: Value) -> str:
    """The value as a message quotes it: short, and never an error of its own.

    >>> shown("fast"), shown(0x10**5000)
    ("'fast'", 'a value of type int')
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # too many digits, nested too deeply
        return f"a value of type {type(value).__name__}"
    return shortened(text)


def shortened(text: str, n_characters: int = MAX_SHOWN_CHARACTERS) -> str:
    return text if len(text) <= n_characters else text[: n_characters - 1] + "…"


def _array(items: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True}


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _are_strings(value: Value) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _is_absolute(value: Value) -> bool:
    try:
        return (
            isinstance(value, str)
            and "\0" not in value
            and Path(value).expanduser().is_absolute()
        )
    except RuntimeError:  # the ~ of a user whose home is not known
        return False


BOOLEAN = Form(
    "true or false",
    lambda value: isinstance(value, bool),
    _boolean,
    {"type": "boolean"},
)
STRING = Form(
    "a string",
    lambda value: isinstance(value, str) and bool(value),
    schema={"type": "string", "minLength": 1},
)
STRINGS = Form("a list of strings", _are_strings, _words, _array({"type": "string"}))
FILE = Form(
    "an absolute path, or one that begins with ~",
    _is_absolute,
    schema={"type": ["string", "null"]},
)
