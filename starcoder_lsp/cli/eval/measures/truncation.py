"""Applies the rules to recorded output of a model.

Rows hold `groundtruth` and `prediction`, as the line completion results of CrossCodeEval
runs do (https://github.com/amazon-science/cceval). They have no prompt, so that only the
rules that need none are asked.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starcoder_lsp.completion.postprocess import Effect, process
from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Cursor, Document, Style
from starcoder_lsp.settings.options import RULES

Row = Mapping[str, Any]

COLUMNS = ("groundtruth", "prediction")
# These judge a text by the code around it, or by the rest of the document.
RULES_THAT_NEED_A_PROMPT = frozenset(
    ("line_echo", "join", "indent", "line_below", "lines_above", "line_rest",
     "brackets", "next_lines", "line_ends")
)  # fmt: skip
RULES_IN_USE = tuple(name for name in RULES if name not in RULES_THAT_NEED_A_PROMPT)


@dataclass(frozen=True)
class TruncationResult:
    """One recorded text, the gold line, and the text that the rules leave."""

    gold: str
    raw: str
    shown: str
    effects: tuple[Effect, ...]

    @property
    def is_exact(self) -> bool:
        return _is_exact(self.shown, self.gold)


def place(language: str, multiline: str = "never") -> Place:
    """A place in a document of which only the language is known."""
    cursor = Cursor(Document("", language=language), 0)
    return Place(cursor, Style(multiline, RULES_THAT_NEED_A_PROMPT))


def outcomes(rows: Iterable[Row], at: Place) -> list[TruncationResult]:
    """Apply the rules to every row; raises ConfigError for rows without the columns."""
    done = []
    for row in rows:
        for column in COLUMNS:
            if not isinstance(row.get(column), str):
                raise ConfigError(f"a row has no {column}: is this recorded output?")
        gold, raw = row["groundtruth"], row["prediction"]
        result = process(raw, at)
        done.append(TruncationResult(gold, raw, result.text, result.effects))
    return done


def summary(results: Sequence[TruncationResult], at: Place) -> dict[str, Any]:
    """The figures of a run: shares as fractions, lengths in characters.

    `exact_match_first_line` is the share if each text is cut at its first line end, and
    `exact_match_ceiling` the share of rows in which some cut would be right.
    """
    if not results:
        raise ConfigError("there are no rows")
    return {
        "n": len(results),
        "exact_match_raw": _share(_is_exact(one.raw, one.gold) for one in results),
        "exact_match_filtered": _share(one.is_exact for one in results),
        "exact_match_first_line": _share(
            _is_exact(one.raw.partition("\n")[0], one.gold) for one in results
        ),
        "exact_match_ceiling": _share(
            one.raw.strip().startswith(one.gold.strip()) for one in results
        ),
        "median_length_raw": statistics.median(len(one.raw) for one in results),
        "median_length_filtered": statistics.median(len(one.shown) for one in results),
        "median_length_gold": statistics.median(len(one.gold) for one in results),
        "empty": _share(not one.shown for one in results),
        "rules": {
            name: _of_rule(name, results, at)
            for name in RULES_IN_USE
            if any(effect.rule == name for one in results for effect in one.effects)
        },
    }


def _of_rule(
    name: str, results: Sequence[TruncationResult], at: Place
) -> dict[str, int | float]:
    """Count how often a rule changed a text, and the effects.

    `gained` and `lost` count the exact matches that the rule makes and destroys;
    `without` is the share of exact matches that all other rules reach together.
    """
    steps = [
        (effect, one.gold)
        for one in results
        for effect in one.effects
        if effect.rule == name
    ]
    was = [_is_exact(effect.before, gold) for effect, gold in steps]
    became = [_is_exact(effect.after, gold) for effect, gold in steps]
    others = replace(at.style, disabled_rules=at.style.disabled_rules | {name})
    without = replace(at, style=others)
    return {
        "changed": len(steps),
        "dropped": sum(not effect.after for effect, _ in steps),
        "gained": sum(b and not a for a, b in zip(was, became, strict=True)),
        "lost": sum(a and not b for a, b in zip(was, became, strict=True)),
        "without": _share(
            _is_exact(process(one.raw, without).text, one.gold) for one in results
        ),
    }


def _is_exact(text: str, gold: str) -> bool:
    return text.strip() == gold.strip()


def _share(values: Iterable[bool]) -> float:
    return round(statistics.fmean(values), 4)
