"""Makes generated text fit its place, by named rules in a fixed order.

`STARTS` correct the beginning of a text, and `STOPS` find its end. Both run on every
piece of the stream, so that the model stops as early as possible; a stop returns a
beginning of the text it is given. `STAGES` run once, on the finished text. A rule takes
the text and its place and returns the text to keep; `""` drops the suggestion.
docs/filters.md lists the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starcoder_lsp.completion.postprocess import (
    indents,
    line_ends,
    overlap,
    repetition,
    safety,
    scope,
    start,
    stop,
    value,
)
from starcoder_lsp.completion.postprocess.place import Cut, Place
from starcoder_lsp.flow import LINE_END, Judgement

Rule = Callable[[str, Place], str]
Stop = Callable[[str, Place], Cut]

STARTS: tuple[tuple[str, Rule], ...] = (
    ("opening", start.opening),
    ("line_echo", start.line_echo),
    ("join", start.join),
    ("indent", indents.indent),
)
STOPS: tuple[tuple[str, Stop], ...] = (
    ("whole_lines", stop.whole_lines),
    ("sentinel", stop.sentinel),
    ("next_file", stop.next_file),
    ("fence", stop.fence),
    ("repeated_pattern", repetition.repeated_pattern),
    ("repeated_lines", repetition.repeated_lines),
    ("repeated_blocks", repetition.repeated_blocks),
    ("line_below", overlap.line_below),
    ("new_section", scope.new_section),
    ("scope", scope.scope),
)
STAGES: tuple[tuple[str, Rule], ...] = (
    ("hidden_characters", safety.hidden_characters),
    ("whole_characters", safety.whole_characters),
    ("lines_above", repetition.lines_above),
    ("line_rest", overlap.line_rest),
    ("brackets", overlap.brackets),
    ("next_lines", overlap.next_lines),
    ("empty_comments", value.empty_comments),
    ("blank_lines", value.blank_lines),
    ("trailing_space", value.trailing_space),
    ("too_little", value.too_little),
    ("line_ends", line_ends.line_ends),
)


@dataclass(frozen=True)
class Effect:
    """The change that one rule made; `after` is `""` if it dropped the suggestion."""

    rule: str
    before: str
    after: str


@dataclass(frozen=True)
class Result:
    """The text to show, `""` for none, and the rules that changed it.

    It replaces the next `n_replaced` code points of the cursor's line.
    """

    text: str
    effects: tuple[Effect, ...] = ()
    n_replaced: int = 0


def take(text: str, place: Place) -> Cut:
    """Apply STARTS and STOPS to the text streamed so far."""
    bounded = stop.length(LINE_END.sub("\n", text), place)
    text, is_final = bounded.text, bounded.is_final
    for name, rule in STARTS:
        if name not in place.style.disabled_rules:
            text = rule(text, place)
    for name, stop_rule in STOPS:
        if name not in place.style.disabled_rules:
            cut = stop_rule(text, place)
            text, is_final = cut.text, is_final or cut.is_final
    return Cut(text, is_final)


def process(text: str, place: Place) -> Result:
    """Apply all rules to a finished text."""
    text = stop.length(LINE_END.sub("\n", text), place).text
    effects: list[Effect] = []
    for name, rule in _rules(place):
        after = rule(text, place)
        if after != text:
            effects.append(Effect(name, text, after))
        text = after
        if not text:
            break
    return Result(text, tuple(effects), overlap.n_replaced(text, place) if text else 0)


def rank(judgements: Sequence[Judgement]) -> list[int]:
    """Return the indices of the texts by new parse errors, the fewest first.

    >>> rank([Judgement(n_new_errors=1), Judgement(), Judgement()])
    [1, 2, 0]
    """
    return sorted(range(len(judgements)), key=lambda i: judgements[i].n_new_errors)


def _rules(place: Place) -> list[tuple[str, Rule]]:
    stops = [(name, _finished(rule)) for name, rule in STOPS]
    rules = [*STARTS, *stops, *STAGES]
    return [row for row in rules if row[0] not in place.style.disabled_rules]


def _finished(stop_rule: Stop) -> Rule:
    return lambda text, place: stop_rule(text, place).text
