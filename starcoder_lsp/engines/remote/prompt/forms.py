"""Turns a prompt into the form that a dialect takes, cut to the context and to the time.

A prompt of token ids is exact. In a text the server finds the control tokens, so their
spellings in user text are broken up; it is fitted as code points, with numbers beyond
Unicode for control tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from starcoder_lsp.engines.prompt_fit import Affordable, fit, parts_of
from starcoder_lsp.engines.remote.prompt.vocabulary import ServerVocabulary, broken
from starcoder_lsp.flow import Control, Group, Prompt, Segment, Text

# A careful guess: code has 3 to 4.
CHARACTERS_PER_TOKEN = 3.0
BEYOND_UNICODE = 0x110000
# Stands between prefix and suffix where a dialect takes them apart.
HERE = Control("\0here")


@dataclass(frozen=True)
class PromptRoom:
    """The most tokens that a prompt may have, and that may be new to the server.

    `read` are the units of prompts that the server has probably still in its cache.
    """

    budget: int
    affordable: Affordable | None
    read: Sequence[Sequence[int]] = ()


@dataclass(frozen=True)
class Formed:
    """A prompt as a request holds it.

    `units` are its tokens, or its code points if the dialect takes no tokens; later
    prompts are compared with them. `n_tokens` is the number of tokens, perhaps guessed.
    """

    fields: Mapping[str, Any]
    units: Sequence[int]
    n_tokens: int


def with_held_back(prompt: Prompt) -> Prompt:
    """Return the prompt with the held-back text where it was taken from.

    No dialect can be told how an answer has to begin.
    """
    if not prompt.held_back:
        return prompt
    return Prompt((*prompt.segments, Text(prompt.held_back, "start")), "", prompt.stops)


def texts_of(prompt: Prompt) -> Iterator[str]:
    """Yield the texts of a prompt that have to be tokenized."""
    for item in prompt.segments:
        for segment in item.segments if isinstance(item, Group) else (item,):
            if isinstance(segment, Text):
                yield segment.text


def as_ids(prompt: Prompt, vocabulary: ServerVocabulary, room: PromptRoom) -> Formed:
    """Return a prompt of token ids. Raises ModelBroken when it cannot be built."""
    parts = parts_of(
        prompt, vocabulary.encode, vocabulary.control, vocabulary.beginning
    )
    ids = fit(parts, room.budget, room.read, room.affordable).tokens
    # An empty prompt is refused, or answered with nothing.
    ids = ids or vocabulary.encode("\n")
    return Formed({"prompt": ids, "ids": ids}, ids, len(ids))


def as_text(prompt: Prompt, pattern: re.Pattern[str], room: PromptRoom) -> Formed:
    """Return a prompt in one text, with the spellings of its control tokens."""
    units, names = _fitted(prompt, room)
    spelled = [
        names[unit - BEYOND_UNICODE] if is_control else _text(run, pattern)
        for is_control, run in _runs(units)
        for unit in (run if is_control else [0])
    ]
    text = "".join(spelled) or "\n"
    return Formed({"prompt": text, "text": text}, units, _n_tokens(units))


def as_parts(prompt: Prompt, pattern: re.Pattern[str], room: PromptRoom) -> Formed:
    """Return prefix and suffix apart; the server puts control tokens around them."""
    units, _ = _fitted(Prompt(tuple(_two_parts(prompt))), room)
    at = units.index(BEYOND_UNICODE)
    fields = {
        "prompt": _text(units[:at], pattern),
        "suffix": _text(units[at + 1 :], pattern),
    }
    return Formed(
        {**fields, "prompt": fields["prompt"] or "\n"}, units, _n_tokens(units)
    )


def _two_parts(prompt: Prompt) -> Iterator[Segment | Group]:
    """Yield other files and the prefix, `HERE`, and the suffix."""
    prefix: list[Segment] = []
    suffix: list[Segment] = []
    for item in prompt.segments:
        if isinstance(item, Group):
            yield Group(
                (*(one for one in item.segments if isinstance(one, Text)), Text("\n\n"))
            )
        elif item.cut != "never":
            text = item.token if isinstance(item, Control) else item.text
            (prefix if item.cut == "start" else suffix).append(Text(text, item.cut))
    yield from prefix
    yield HERE
    yield from suffix


def _fitted(prompt: Prompt, room: PromptRoom) -> tuple[list[int], list[str]]:
    """Return the units of a prompt that is cut to size, and its control tokens."""
    names: list[str] = []

    def control(token: str) -> int:
        if token not in names:
            names.append(token)
        return BEYOND_UNICODE + names.index(token)

    parts = parts_of(prompt, _code_points, control)
    budget = int(room.budget * CHARACTERS_PER_TOKEN)
    affordable = room.affordable and _in_characters(room.affordable)
    return fit(parts, budget, room.read, affordable).tokens, names


def _in_characters(affordable: Affordable) -> Affordable:
    """Return how many characters are affordable, given how many tokens are."""
    return lambda n_units: (
        affordable(int(n_units / CHARACTERS_PER_TOKEN)) * CHARACTERS_PER_TOKEN
    )


def _code_points(text: str) -> list[int]:
    return list(map(ord, text))


def _runs(units: Sequence[int]) -> Iterator[tuple[bool, list[int]]]:
    for is_control, run in groupby(units, BEYOND_UNICODE.__le__):
        yield is_control, list(run)


def _text(units: Iterable[int], pattern: re.Pattern[str]) -> str:
    """Return the text of code points, without half surrogate pairs."""
    text = "".join(map(chr, units)).encode("utf-8", "replace").decode()
    return broken(text, pattern)


def _n_tokens(units: Sequence[int]) -> int:
    return int(len(units) / CHARACTERS_PER_TOKEN)
