"""The nouns of a completion, in the order a request meets them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

CURSOR_MARK = "█"
LINE_END = re.compile("\r\n|\r|\n")
# One private character stands where a secret stood; it cannot come from a file.
REDACTED = {
    "KEY": "\U0010f4e1", "PASSWORD": "\U0010f4e2", "EMAIL": "\U0010f4e3", "NAME": "\U0010f4e4",
}  # fmt: skip
# How far rules look up and down; a file may have megabytes.
NEAR = 8192
# Of a text that no editor shows yet, so that nobody takes it for one that does.
NO_VERSION = -1


@dataclass(frozen=True)
class Document:
    """A text as the editor shows it, at one version; nothing re-reads the buffer."""

    text: str
    uri: str = ""
    language: str = ""
    version: int = 0

    @cached_property
    def newline(self) -> str:
        """The line end most of the document's beginning uses."""
        beginning = self.text[: 8 * NEAR]
        crlf = beginning.count("\r\n")
        lone_cr = beginning.count("\r") - crlf
        lf = beginning.count("\n") - crlf
        if crlf > lf and crlf >= lone_cr:
            return "\r\n"
        return "\r" if lone_cr > lf else "\n"


@dataclass(frozen=True)
class Cursor:
    """A place in a document; `offset` counts code points.

    `chosen` is a popup's selected entry, which the document holds as if inserted here.
    """

    document: Document
    offset: int
    chosen: str = ""

    @classmethod
    def marked(cls, text: str, language: str = "python") -> Cursor:
        """The cursor in `text` where the mark is.

        >>> Cursor.marked("print(█)").prefix
        'print('
        """
        before, mark, after = text.partition(CURSOR_MARK)
        if not mark:
            raise ValueError(f"no {CURSOR_MARK} in the text")
        return cls(Document(before + after, language=language), len(before))

    @cached_property
    def prefix(self) -> str:
        return self.document.text[: self.offset]

    @cached_property
    def suffix(self) -> str:
        return self.document.text[self.offset :]

    @cached_property
    def line_prefix(self) -> str:
        """The cursor's line up to the cursor."""
        return self.prefix[_line_start(self.prefix) :]

    @cached_property
    def line_suffix(self) -> str:
        """The cursor's line from the cursor on, without its line end."""
        return self.suffix[: _line_end(self.suffix)]

    @cached_property
    def lines_above(self) -> list[str]:
        """The nearest lines above the cursor's, the nearest first, without their ends."""
        above = self.prefix[: len(self.prefix) - len(self.line_prefix)][-NEAR:]
        return LINE_END.split(above)[-2::-1]

    @cached_property
    def lines_below(self) -> list[str]:
        """The nearest lines below the cursor's, the nearest first, without their ends."""
        start = len(self.line_suffix)
        return LINE_END.split(self.suffix[start : start + NEAR])[1:]


def _line_start(text: str) -> int:
    return max(text.rfind("\n"), text.rfind("\r")) + 1


def _line_end(text: str) -> int:
    ends = [i for i in (text.find("\n"), text.find("\r")) if i >= 0]
    return min(ends, default=len(text))


@dataclass(frozen=True)
class Snippet:
    """A piece of another file that may help.

    `path` is as the model reads it, relative to the workspace; lines count from 0 and
    `last_line` is part of it. `source` names the retriever, `why` says it in words.
    """

    path: str
    text: str
    source: str = ""
    first_line: int = 0
    last_line: int = 0
    score: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Cell:
    """Another cell of the notebook that the cursor is in; without code it is prose."""

    text: str
    is_code: bool
    is_above: bool


def readable(text: str) -> str:
    """`text` of a snippet for people: a redacted secret reads `<KEY>`."""
    for name, mark in REDACTED.items():
        text = text.replace(mark, f"<{name}>")
    return text


@dataclass(frozen=True)
class Control:
    """A token of the model's vocabulary, by its exact text; `cut` as of `Text`."""

    token: str
    cut: Literal["start", "end", "never"] = "never"


@dataclass(frozen=True)
class Text:
    """Ordinary text, tokenized on its own with special parsing off.

    `cut` is the end that may be shortened when the prompt does not fit.
    """

    text: str
    cut: Literal["start", "end", "never"] = "never"


Segment = Control | Text


@dataclass(frozen=True)
class Group:
    """Segments that stay or go together, such as another file's path and text.

    When a prompt has to be shorter its first groups go first.
    """

    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Prompt:
    """What the model reads, before tokenization.

    `held_back` is the end of the prefix that the prompt leaves out; what is generated
    begins with it (token healing), the answer does not. `stops` are control tokens that
    end it. `beyond` is text that there is no room for; what is written may repeat it.
    """

    segments: tuple[Segment | Group, ...]
    held_back: str = ""
    stops: tuple[str, ...] = ()
    beyond: str = ""


@dataclass(frozen=True)
class Limits:
    """How much one request may cost.

    `max_tokens` of 0 only reads the prompt. `latency_target_ms` is how long reading may
    take before the prompt is shortened; 0 means as long as it takes. `stops_when_unsure`
    ends a text where no next token is likely, as llama.cpp's infill sampler does. With
    `one_line` candidates end where their line does. What `yields` ends when another
    wants the engine. `reads_on` reads later what the prompt had no time for.
    """

    max_tokens: int = 96
    time_budget_ms: int = 3000
    latency_target_ms: int = 0
    stops_when_unsure: bool = False
    one_line: bool = False
    yields: bool = False
    reads_on: bool = False


@dataclass(frozen=True)
class Style:
    """How the user wants suggestions, and what the client can do with them.

    `multiline` is auto, never or always; `wants_more` is a request for a longer
    suggestion than the last one, whatever `multiline` says. `is_after_accept`: an
    accepted suggestion has just ended here. `can_replace`: the client replaces text
    right of the cursor.
    """

    multiline: str = "auto"
    disabled_rules: frozenset[str] = frozenset()
    wants_more: bool = False
    is_after_accept: bool = False
    can_replace: bool = False

    @property
    def is_short(self) -> bool:
        """Whether one line is enough: right after an accept, unless more is wanted."""
        return self.is_after_accept and not self.wants_all

    @property
    def wants_all(self) -> bool:
        """Whether a suggestion may go on after its statement or block."""
        return self.wants_more or self.multiline == "always"


USUAL_STYLE = Style()


@dataclass(frozen=True)
class Judgement:
    """What a parser says of a text put at the cursor.

    `n_new_errors` counts parse errors and missing tokens that the document has with the
    text and has not without. `statement_end` is how much of the text, in code points,
    belongs to the statement (or block) that the cursor's line begins or stands in
    without closing; None when that does not end inside the text.
    """

    n_new_errors: int = 0
    statement_end: int | None = None


FinishReason = Literal["stop", "length", "time", "cancelled", "rule"]


@dataclass(frozen=True)
class Usage:
    """What a generation has cost so far; times run from the engine's first sight of it.

    `evaluated_tokens` counts prompt tokens that were not in the KV cache;
    `log_probability` is the sum over the generated tokens.
    """

    prompt_tokens: int = 0
    evaluated_tokens: int = 0
    generated_tokens: int = 0
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    finish_reason: FinishReason | None = None
    log_probability: float = 0.0

    @property
    def confidence(self) -> float:
        """How likely the model found its tokens: their geometric mean, from 0 to 1."""
        return math.exp(self.log_probability / max(self.generated_tokens, 1))


@dataclass(frozen=True)
class Piece:
    """Some text as it is generated, and the cost up to here."""

    text: str
    usage: Usage


@dataclass(frozen=True)
class Candidate:
    """One of several answers to the same prompt; logarithms are natural."""

    text: str
    log_probability: float
    finish_reason: FinishReason


@dataclass(frozen=True)
class Score:
    """How likely the model finds a given text after a prompt."""

    log_probability: float
    n_tokens: int


@dataclass(frozen=True)
class Completion:
    """What to insert at the cursor, `""` for nothing, and what it cost.

    It replaces the next `n_replaced` code points of the cursor's line.
    """

    text: str
    usage: Usage = Usage()
    n_replaced: int = 0
