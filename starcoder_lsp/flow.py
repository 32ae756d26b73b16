"""The data types of a completion, in the order in which a request meets them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

CURSOR_MARK = "█"
LINE_END = re.compile("\r\n|\r|\n")
# Private-use characters that stand for secrets; removed from text before redaction.
REDACTED = {
    "KEY": "\U0010f4e1", "PASSWORD": "\U0010f4e2", "EMAIL": "\U0010f4e3", "NAME": "\U0010f4e4",
}  # fmt: skip
# How many code points around the cursor rules look at; a file may have megabytes.
NEAR = 8192
# The version of a text that no editor shows, such as one after a suggestion.
NO_VERSION = -1


@dataclass(frozen=True)
class Document:
    """An immutable snapshot of the text that the editor shows, at one version."""

    text: str
    uri: str = ""
    language: str = ""
    version: int = 0
    indent: str = ""  # One level, as the editor would write it; "" if unknown.

    @cached_property
    def newline(self) -> str:
        """The most frequent line end at the beginning of the document."""
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

    `chosen` is the selected entry of a completion popup, which the document holds as
    though it was inserted at the cursor.
    """

    document: Document
    offset: int
    chosen: str = ""

    @classmethod
    def marked(cls, text: str, language: str = "python") -> Cursor:
        """Return a cursor where the mark stands in `text`, without the mark.

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
        """The lines above the cursor's, the nearest first, without their line ends."""
        above = self.prefix[: len(self.prefix) - len(self.line_prefix)][-NEAR:]
        return LINE_END.split(above)[-2::-1]

    @cached_property
    def lines_below(self) -> list[str]:
        """The lines below the cursor's, the nearest first, without their line ends."""
        start = len(self.line_suffix)
        return LINE_END.split(self.suffix[start : start + NEAR])[1:]


def _line_start(text: str) -> int:
    return max(text.rfind("\n"), text.rfind("\r")) + 1


def _line_end(text: str) -> int:
    ends = [i for i in (text.find("\n"), text.find("\r")) if i >= 0]
    return min(ends, default=len(text))


@dataclass(frozen=True)
class Snippet:
    """A part of another file for the prompt.

    `path` is relative to the workspace. Lines count from 0; `last_line` is included.
    `source` names the retriever, and `why` explains its choice to the user.
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
    """Another cell of the cursor's notebook: code or prose."""

    text: str
    is_code: bool
    is_above: bool


def readable(text: str) -> str:
    """Return the text of a snippet for people, with redacted secrets as `<KEY>`."""
    for name, mark in REDACTED.items():
        text = text.replace(mark, f"<{name}>")
    return text


@dataclass(frozen=True)
class Control:
    """A control token, by its exact text in the vocabulary; `cut` as in `Text`."""

    token: str
    cut: Literal["start", "end", "never"] = "never"


@dataclass(frozen=True)
class Text:
    """Text, tokenized on its own and never as control tokens.

    `cut` is the end from which it is shortened when the prompt does not fit.
    """

    text: str
    cut: Literal["start", "end", "never"] = "never"


Segment = Control | Text


@dataclass(frozen=True)
class Group:
    """Segments that are kept or left out together, such as a file's path and text.

    When a prompt does not fit, its first groups are left out first.
    """

    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Prompt:
    """The input of the model, before tokenization.

    `held_back` is the end of the prefix, left out for token healing: the generated text
    has to begin with it, and the answer does not contain it. `stops` are control tokens
    that end the generation. Draft tokens may come from `beyond`, text outside the window.
    """

    segments: tuple[Segment | Group, ...]
    held_back: str = ""
    stops: tuple[str, ...] = ()
    beyond: str = ""


@dataclass(frozen=True)
class Limits:
    """Bounds on the cost of one request.

    With `max_tokens` 0 the engine only prefills. A prompt that takes longer to prefill
    than `latency_target_ms` is shortened (0: never), and with `reads_on` prefilled whole
    afterwards. `stops_when_unsure` ends a text where no token is likely, as llama.cpp's
    infill sampler does. `one_line` ends candidates at the end of their line. A request
    that `yields` is aborted when another one needs the engine.
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
    """The user's wishes for suggestions, and the abilities of the client.

    `multiline` is auto, never or always; `wants_more`, a request for a longer suggestion,
    overrides it. `is_after_accept`: an accepted suggestion ends at the cursor.
    `can_replace`: the client can replace text right of the cursor. `next_line`: behind a
    complete line, the next one is suggested.
    """

    multiline: str = "auto"
    disabled_rules: frozenset[str] = frozenset()
    wants_more: bool = False
    is_after_accept: bool = False
    can_replace: bool = False
    next_line: bool = False


USUAL_STYLE = Style()


@dataclass(frozen=True)
class Judgement:
    """A parser's verdict on a text inserted at the cursor.

    `n_new_errors` counts the parse errors and missing tokens that the text causes.
    """

    n_new_errors: int = 0


FinishReason = Literal["stop", "length", "time", "cancelled", "rule"]


@dataclass(frozen=True)
class Usage:
    """The cost of a generation so far; times run from its arrival at the engine.

    `evaluated_tokens` counts the prompt tokens that were not in the KV cache;
    `log_probability` is the sum over the generated tokens, as natural logarithms, and 0
    if the engine does not tell.
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
        """The geometric mean of the probabilities of the tokens, from 0 to 1."""
        return math.exp(self.log_probability / max(self.generated_tokens, 1))


@dataclass(frozen=True)
class Piece:
    """A streamed piece of generated text, and the cost so far."""

    text: str
    usage: Usage


@dataclass(frozen=True)
class Candidate:
    """One of several answers to a prompt; `log_probability` is a natural logarithm."""

    text: str
    log_probability: float
    finish_reason: FinishReason


@dataclass(frozen=True)
class Score:
    """The log-probability, in natural logarithms, of a given text after a prompt."""

    log_probability: float
    n_tokens: int


@dataclass(frozen=True)
class Completion:
    """The text to insert at the cursor, `""` for none, and its cost.

    It replaces the next `n_replaced` code points of the cursor's line.
    """

    text: str
    usage: Usage = Usage()
    n_replaced: int = 0
