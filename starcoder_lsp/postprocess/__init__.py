"""What makes generated text fit its place: rules with names, in one order.

`STOPS` say where a suggestion ends. They run on every piece of the stream, so that the
model stops as early as it can, and each leaves a start of the text it is given.
`STAGES` make the finished text fit, once. A rule takes the text and its place and
returns the text that is left; `""` drops the suggestion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starcoder_lsp.postprocess import (
    line_ends,
    overlap,
    repetition,
    safety,
    scope,
    stop,
)
from starcoder_lsp.postprocess.place import Cut, Place

Stop = Callable[[str, Place], Cut]
Rule = Callable[[str, Place], str]

STOPS: tuple[tuple[str, Stop], ...] = (
    ("whole_lines", stop.whole_lines),
    ("sentinel", stop.sentinel),
    ("fence", stop.fence),
    ("repeated_lines", repetition.repeated_lines),
    ("scope", scope.scope),
)
STAGES: tuple[tuple[str, Rule], ...] = (
    ("line_rest", overlap.line_rest),
    ("next_lines", overlap.next_lines),
    ("trailing_space", line_ends.trailing_space),
    ("hidden_characters", safety.hidden_characters),
    ("line_ends", line_ends.line_ends),
)


@dataclass(frozen=True)
class Effect:
    """What one rule changed; `after` is `""` where it dropped the suggestion."""

    rule: str
    before: str
    after: str


@dataclass(frozen=True)
class Result:
    """What is shown, `""` for nothing, and which rules made it so.

    It replaces the next `n_replaced` code points of the cursor's line.
    """

    text: str
    effects: tuple[Effect, ...] = ()
    n_replaced: int = 0


def take(text: str, place: Place) -> Cut:
    """What of a text that still grows belongs here, and whether that is all."""
    is_final = False
    for name, stop_rule in STOPS:
        if name not in place.style.disabled_rules:
            cut = stop_rule(text, place)
            text, is_final = cut.text, is_final or cut.is_final
    return Cut(text, is_final)


def process(text: str, place: Place) -> Result:
    """What to show of what the model wrote."""
    effects: list[Effect] = []
    for name, rule in _rules(place):
        after = rule(text, place)
        if after != text:
            effects.append(Effect(name, text, after))
        text = after
        if not text:
            break
    return Result(text, tuple(effects))


def _rules(place: Place) -> list[tuple[str, Rule]]:
    stops = [(name, _finished(rule)) for name, rule in STOPS]
    rules = [*stops, *STAGES]
    return [row for row in rules if row[0] not in place.style.disabled_rules]


def _finished(stop_rule: Stop) -> Rule:
    return lambda text, place: stop_rule(text, place).text
