"""Reads the table of model families, and fills its sequences with text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from starcoder_lsp.flow import REDACTED, Control, Segment, Text

LAYOUTS = ("plain", "psm", "spm")
# The row of families.toml that is no family: models that have the tokens in vain.
UNTRAINED = "untrained"
Sequences = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Traits:
    """Describes the GGUF files of a family: the column `detect` of families.toml."""

    name: str
    architectures: tuple[str, ...]
    tokens: tuple[str, ...] = ()
    needs_name: bool = False


@dataclass(frozen=True)
class Family:
    """A row of families.toml, whose comments explain the columns."""

    name: str
    layout: str
    controls: frozenset[str]
    stops: tuple[str, ...]
    forms: Sequences
    repository: Sequences = field(default_factory=dict)
    notebook: Sequences = field(default_factory=dict)
    overrides: Mapping[str, int] = field(default_factory=dict)
    redaction: frozenset[str] = frozenset()
    heals: bool = False
    languages: Mapping[str, str] | None = None
    detect: Traits | None = None

    def layout_for(self, wanted: str) -> str:
        """Return the wanted layout if the family has it, otherwise the family's own."""
        return wanted if wanted in self.forms else self.layout

    def language_name(self, language_id: str) -> str:
        """Return how the model calls a language; empty if it has no name for it."""
        if self.languages is None:
            return language_id
        return self.languages.get(language_id, "")


@cache
def _rows() -> Mapping[str, Any]:
    import tomllib  # not before the reply to initialize

    return tomllib.loads(Path(__file__).with_name("families.toml").read_text("utf-8"))


@cache
def families() -> Mapping[str, Family]:
    rows = _rows().items()
    return {name: _family(name, row) for name, row in rows if name != UNTRAINED}


@cache
def untrained() -> re.Pattern[str]:
    """The names of models that were not trained on the tokens that they have."""
    return re.compile(_rows()[UNTRAINED]["name"])


def _family(name: str, row: Mapping[str, Any]) -> Family:
    return Family(
        name,
        layout=row["layout"],
        controls=frozenset(row["controls"]),
        stops=tuple(row["stops"]),
        forms={key: tuple(row[key]) for key in LAYOUTS if key in row},
        repository=_sequences(row.get("repository", {})),
        notebook=_sequences(row.get("notebook", {})),
        overrides=row.get("overrides", {}),
        redaction=frozenset(row.get("redaction", ())),
        heals=row.get("heals", False),
        languages=row.get("languages"),
        detect=_traits(row["detect"]) if "detect" in row else None,
    )


def _traits(row: Mapping[str, Any]) -> Traits:
    lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
    return Traits(**{**row, **lists})


def _sequences(rows: Mapping[str, Any]) -> Sequences:
    return {name: tuple(sequence) for name, sequence in rows.items()}


def filled(
    family: Family, sequence: Sequence[str], fields: Mapping[str, str]
) -> Iterator[Segment]:
    """Yield the segments of a sequence of the table, without items that are empty."""
    for item in sequence:
        if item in family.controls:
            yield Control(item)
        elif text := _fill(item, fields):
            if WITH_MARKS.search(item):
                yield from _marked(family, text, _cut(item))
            else:
                yield Text(text, _cut(item))


# Fields whose text may hold marks of redacted secrets.
WITH_MARKS = re.compile(r"\{(text|above|prefix|suffix)\}")
MARK = re.compile("([" + "".join(REDACTED.values()) + "])")
NAME_OF_MARK = {mark: name for name, mark in REDACTED.items()}


def _marked(family: Family, text: str, cut: Any) -> Iterator[Segment]:
    """Replace the marks of redacted secrets by those of the family's training data."""
    for part in MARK.split(text) if _has_marks(text) else (text,):
        if (name := NAME_OF_MARK.get(part)) is None:
            if part:
                yield Text(part, cut)
        elif (token := f"<{name}>") in family.redaction:
            yield Control(token, cut)
        else:
            yield Text(token, cut)


def with_marks(
    text: str,
    start: int,
    end: int,
    hidden: Sequence[tuple[int, int, str]],
    marks: Mapping[str, str] = REDACTED,
) -> str:
    r"""Return `text` from `start` to `end` with marks in the place of `hidden` parts.

    Lines keep their numbers. A part that begins before `start` leaves no mark.

    >>> with_marks("a = 'b'\nc", 0, 9, [(5, 6, "KEY")]) == f"a = '{REDACTED['KEY']}'\nc"
    True
    """
    pieces, at = [], start
    for first, last, kind in hidden:
        if last <= start or first >= end:
            continue
        pieces.append(unmarked(text[at : max(first, at)]))
        pieces.append(marks[kind] if first >= start else "")
        pieces.append("\n" * text.count("\n", max(first, start), min(last, end)))
        at = min(last, end)
    return "".join(pieces) + unmarked(text[at:end])


def unmarked(text: str) -> str:
    """Remove characters that would be taken for marks of redacted secrets."""
    return MARK.sub("", text) if _has_marks(text) else text


def _has_marks(text: str) -> bool:
    return any(one in text for one in NAME_OF_MARK)


def _fill(template: str, fields: Mapping[str, str]) -> str:
    """Fill in the fields in one pass, so that braces in user text stay as they are."""
    return re.sub(r"\{(\w+)\}", lambda found: fields[found[1]], template)


def _cut(item: str) -> Any:
    if "{prefix}" in item or "{above}" in item:
        return "start"
    return "end" if "{suffix}" in item else "never"


def one_line(name: str) -> str:
    r"""Escape a file name for a header, which has to stay on one line.

    >>> one_line("a\nb")
    'a\\nb'
    """
    return name if name.isprintable() else ascii(name)[1:-1]


def unix(text: str) -> str:
    if "\r" not in text:
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n")
