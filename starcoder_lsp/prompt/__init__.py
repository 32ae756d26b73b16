"""Lays out prefix, suffix and snippets as the model's family was trained to read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from starcoder_lsp.flow import (
    REDACTED,
    Control,
    Cursor,
    Group,
    Prompt,
    Segment,
    Snippet,
    Text,
)

LAYOUTS = ("plain", "psm", "spm")
Sequences = Mapping[str, tuple[str, ...]]
# How much of the document before and after what the model reads drafts may come from.
BEYOND = 16_384


@dataclass(frozen=True)
class Family:
    """One row of families.toml; its comments say what each column means."""

    name: str
    layout: str
    controls: frozenset[str]
    stops: tuple[str, ...]
    forms: Sequences
    repository: Sequences = field(default_factory=dict)
    overrides: Mapping[str, int] = field(default_factory=dict)
    redaction: frozenset[str] = frozenset()
    heals: bool = False

    def layout_for(self, wanted: str) -> str:
        """The wanted layout, or the family's own where it has no such form."""
        return wanted if wanted in self.forms else self.layout


@cache
def families() -> Mapping[str, Family]:
    import tomllib  # not before the reply to initialize

    rows = tomllib.loads(Path(__file__).with_name("families.toml").read_text("utf-8"))
    return {name: _family(name, row) for name, row in rows.items()}


def _family(name: str, row: Mapping[str, Any]) -> Family:
    return Family(
        name,
        layout=row["layout"],
        controls=frozenset(row["controls"]),
        stops=tuple(row["stops"]),
        forms={key: tuple(row[key]) for key in LAYOUTS if key in row},
        repository={key: tuple(v) for key, v in row.get("repository", {}).items()},
        overrides=row.get("overrides", {}),
        redaction=frozenset(row.get("redaction", ())),
        heals=row.get("heals", False),
    )


@dataclass(frozen=True)
class Window:
    """How much of the document the model sees, in code points."""

    prefix: int
    suffix: int

    # Code has 3 to 4 characters per token; the engine cuts to exact tokens.
    CHARACTERS_PER_TOKEN = 4
    SUFFIX_SHARE = 0.25

    @classmethod
    def of_tokens(cls, n_tokens: int) -> Window:
        characters = n_tokens * cls.CHARACTERS_PER_TOKEN
        suffix = int(characters * cls.SUFFIX_SHARE)
        return cls(characters - suffix, suffix)

    # Other files get less than the text around the cursor.
    CONTEXT_SHARE = 0.4
    # The window shrinks in steps: its start must not move with each snippet.
    N_STEPS = 8

    @property
    def for_context(self) -> int:
        """How many code points other files may take."""
        return int((self.prefix + self.suffix) * self.CONTEXT_SHARE)

    def beside(self, n_taken: int) -> Window:
        """What is left of the window beside so many code points of other files."""
        step = max((self.prefix + self.suffix) // self.N_STEPS, 1)
        n_left = self.prefix + self.suffix - -(-n_taken // step) * step
        suffix = int(max(n_left, 0) * self.SUFFIX_SHARE)
        return Window(max(n_left, 0) - suffix, suffix) if n_taken else self

    def shown(self, cursor: Cursor) -> range:
        """The offsets of the document that a prompt holds, however much others take."""
        least = self.beside(self.for_context)
        start = cursor.offset - len(prefix_window(cursor.prefix, least.prefix))
        return range(start, cursor.offset + len(cursor.suffix[: least.suffix]))


def build_prompt(
    cursor: Cursor,
    family: Family,
    window: Window,
    *,
    layout: str = "auto",
    snippets: Sequence[Snippet] = (),
    repository: str = "",
    path: str = "",
) -> Prompt:
    """The prompt for the text at `cursor`.

    Snippets are left out where the family has no form for them.
    """
    shown = prefix_window(cursor.prefix, window.prefix)
    above = cursor.prefix[: len(cursor.prefix) - len(shown)][-BEYOND:]
    below = cursor.suffix[window.suffix :][:BEYOND]
    prefix = _unix(shown)
    prefix, held_back = hold_back(prefix) if family.heals else (prefix, "")
    fields = {
        "prefix": prefix,
        "suffix": _unix(cursor.suffix[: window.suffix]),
        "path": one_line(path),
        "repository": one_line(repository),
        "language": one_line(cursor.document.language),
    }
    form = family.layout_for(layout)
    segments = list(_segments(family, form, fields, snippets))
    return Prompt(tuple(segments), held_back, family.stops, _unix(above + below))


def _segments(
    family: Family, form: str, fields: Mapping[str, str], snippets: Sequence[Snippet]
) -> Iterator[Segment | Group]:
    if not snippets or not family.repository:
        yield from _filled(family, family.forms[form], fields)
        return
    parts = family.repository
    yield from _filled(family, parts["head"], fields)
    for snippet in snippets:
        text = {"path": one_line(snippet.path), "text": _unix(snippet.text)}
        yield Group(tuple(_filled(family, parts["snippet"], {**fields, **text})))
    yield from _filled(family, parts[form], fields)


def _filled(
    family: Family, sequence: Sequence[str], fields: Mapping[str, str]
) -> Iterator[Segment]:
    for item in sequence:
        if item in family.controls:
            yield Control(item)
        elif text := _fill(item, fields):
            if "{text}" in item:
                yield from _redacted(family, text)
            else:
                yield Text(text, _cut(item))


MARK = re.compile("([" + "".join(REDACTED.values()) + "])")
NAME_OF_MARK = {mark: name for name, mark in REDACTED.items()}


def _redacted(family: Family, text: str) -> Iterator[Segment]:
    """Marks of secrets in another file as the family's training data had them."""
    for part in MARK.split(text):
        if (name := NAME_OF_MARK.get(part)) is None:
            if part:
                yield Text(part)
        elif (token := f"<{name}>") in family.redaction:
            yield Control(token)
        else:
            yield Text(token)


def _fill(template: str, fields: Mapping[str, str]) -> str:
    """As str.format, for user text that may hold braces and in one pass."""
    return re.sub(r"\{(\w+)\}", lambda found: fields[found[1]], template)


def _cut(item: str) -> Any:
    if "{prefix}" in item:
        return "start"
    return "end" if "{suffix}" in item else "never"


def prefix_window(prefix: str, n_characters: int) -> str:
    """The end of `prefix`, begun at a coarse grid of lines.

    A window that slides with each new line would change the head of every prompt,
    and the KV cache with it.
    """
    if len(prefix) <= n_characters:
        return prefix
    grid = max(n_characters // 4, 1)
    start = -(-(len(prefix) - n_characters) // grid) * grid
    line_end = prefix.find("\n", start)
    return prefix[start if line_end < 0 else line_end + 1 :]


# The word being typed, and the space or punctuation that a token may share with it.
HELD_BACK = re.compile(r"\s{0,32}[^\s\w]{0,8}\s{0,32}\w{0,64}\Z")
MAX_HELD_BACK = 32 + 8 + 32 + 64


def hold_back(prefix: str) -> tuple[str, str]:
    """Split off the end of `prefix` where a tokenizer might not have cut.

    A model without fill-in-the-middle training predicts badly after a token that its
    tokenizer would never have ended there (token healing).

    >>> hold_back("    return sel")
    ('    return', ' sel')
    """
    found = HELD_BACK.search(prefix, max(len(prefix) - MAX_HELD_BACK, 0))
    start = found.start() if found else len(prefix)
    return prefix[:start], prefix[start:]


def one_line(name: str) -> str:
    r"""A file's name for a header, which ends with its line.

    >>> one_line("a\nb")
    'a\\nb'
    """
    return name if name.isprintable() else ascii(name)[1:-1]


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
