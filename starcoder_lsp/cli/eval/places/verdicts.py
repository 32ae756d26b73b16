"""Compares what is shown at places in code with what a user wants to see there.

A row holds the text `before` and `after` the cursor, `raw`, which a model writes on, and
`wanted`. At a place of the variant `closed` an editor has inserted the closing brackets
and quotes that follow on the line; `n_replaced` says how many of them `wanted` replaces.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from starcoder_lsp.cli.eval.journal import Entry
from starcoder_lsp.cli.eval.rows import Row, text_of
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.completion.prompt import Window, families
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.context import NoContext
from starcoder_lsp.context.syntax.judge import judge
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Completion, Cursor, Document, Judgement, Limits, Style
from starcoder_lsp.settings.options import RULES

Verdict = Literal["right", "too_short", "too_long", "other"]
Answer = Callable[[Row, Trace], Awaitable[Completion]]

VERDICTS: tuple[Verdict, ...] = ("right", "too_short", "too_long", "other")
COLUMNS = ("language", "before", "after", "raw", "wanted")
# The client can replace closers after the cursor, as those with ghost text can.
STYLE = Style(can_replace=True)
WINDOW = Window(2000, 500)
# A recorded text is streamed in pieces that are about as long as tokens.
PIECE = re.compile(r"\s*\w{1,6}|\s*[^\w\s]|\s+")
CLOSERS = re.compile(r"[)\]}>\"'`|]*")


@dataclass(frozen=True)
class PlaceOutcome:
    """A row, the text that the model wrote there, and the verdict on what was shown."""

    row: Row
    raw: str
    shown: Completion
    rules: frozenset[str]
    verdict: Verdict
    has_new_errors: bool

    @property
    def is_right(self) -> bool:
        return self.verdict == "right"

    @classmethod
    def of_entry(cls, row: Row, entry: Entry) -> PlaceOutcome:
        """Return the outcome at a row's place that `entry` was made of."""
        return cls(
            row,
            entry["raw"],
            Completion(entry["shown"], n_replaced=entry["n_shown_replaced"]),
            frozenset(entry["rules"]),
            entry["verdict"],
            entry["has_new_errors"],
        )

    def entry(self) -> Entry:
        return {
            "raw": self.raw,
            "shown": self.shown.text,
            "n_shown_replaced": self.shown.n_replaced,
            "rules": sorted(self.rules),
            "verdict": self.verdict,
            "has_new_errors": self.has_new_errors,
        }

    def as_row(self) -> dict[str, Any]:
        """Return the row with what was shown."""
        shown = {"shown": self.shown.text, "n_shown_replaced": self.shown.n_replaced}
        return {**self.row, **shown, "verdict": self.verdict}


class ParserOnly(NoContext):
    """A context without snippets, whose parser judges suggestions in this process."""

    async def judge(self, cursor: Cursor, texts: Sequence[str]) -> list[Judgement]:
        document = cursor.document
        return judge(document.language, document.text, cursor.offset, texts)


async def outcomes(rows: Iterable[Row], answer: Answer) -> list[PlaceOutcome]:
    return [await outcome(row, answer) for row in rows]


async def outcome(row: Row, answer: Answer) -> PlaceOutcome:
    """Judge the answer at a place; raises ConfigError for a row without the columns."""
    for column in COLUMNS:
        text_of(row, column, "places")
    trace = Trace()
    shown = await answer(row, trace)
    verdict = _verdict(row, shown)
    return PlaceOutcome(
        row,
        row["raw"] if trace.raw in row["raw"] else trace.raw,
        shown,
        frozenset(effect.rule for effect in trace.effects),
        verdict,
        verdict != "right" and bool(shown.text) and _has_new_errors(row, shown),
    )


async def recorded(row: Row, trace: Trace, style: Style = STYLE) -> Completion:
    """Answer as if the model wrote the row's `raw`."""
    pieces = PIECE.findall(row["raw"])
    family = next(iter(families().values()))
    limits = Limits(max_tokens=len(pieces))
    completer = Completer(
        ScriptedEngine(pieces), family, WINDOW, limits, "plain", style, ParserOnly()
    )
    return await ask(completer, row, trace)


async def ask(completer: Completer, row: Row, trace: Trace) -> Completion:
    """Return the completion at a row's place, of which the editor has closed brackets."""
    cursor = cursor_of(row)
    read_as = replace(
        cursor, document=replace(cursor.document, text=_without_closers(row))
    )
    return await completer.complete(cursor, read_as=read_as, trace=trace)


def cursor_of(row: Row) -> Cursor:
    text = row["before"] + row["after"]
    return Cursor(Document(text, language=row["language"]), len(row["before"]))


async def summary(results: Sequence[PlaceOutcome]) -> dict[str, Any]:
    """Return counts of the verdicts, in all, by kind and by language, and of each rule.

    `new_parse_errors` counts the places at which the document has more parse errors with
    the shown text than with the wanted one, and `whole_blocks` those that are right as the
    block of which one line was wanted.
    """
    if not results:
        raise ConfigError("there are no rows")
    return {
        **_counts(results),
        "whole_blocks": sum(_is_whole_block(one) for one in results),
        "rules": {name: await _of_rule(name, results) for name in RULES},
        "kinds": _by("kind", results),
        "languages": _by("language", results),
    }


def _is_whole_block(one: PlaceOutcome) -> bool:
    text, wanted = _trimmed(one.shown.text), _trimmed(one.row["wanted"])
    return one.is_right and text != wanted and _is_block_of(one.row, text)


def _by(column: str, results: Sequence[PlaceOutcome]) -> dict[str, dict[str, int]]:
    values = sorted({str(one.row.get(column, "")) for one in results})
    return {
        value: _counts(
            [one for one in results if str(one.row.get(column, "")) == value]
        )
        for value in values
    }


def _counts(results: Sequence[PlaceOutcome]) -> dict[str, int]:
    verdicts = Counter(one.verdict for one in results)
    return {
        "n": len(results),
        **{verdict: verdicts[verdict] for verdict in VERDICTS},
        "new_parse_errors": sum(one.has_new_errors for one in results),
    }


async def _of_rule(name: str, results: Sequence[PlaceOutcome]) -> dict[str, int]:
    """Count the texts that a rule changed, and the right ones that it made and destroyed.

    `without` is the number of right texts that all other rules reach together.
    """
    style = replace(STYLE, disabled_rules=frozenset((name,)))

    async def answer(row: Row, trace: Trace) -> Completion:
        return await recorded(row, trace, style)

    changed = [one for one in results if name in one.rules]
    others = await outcomes(({**one.row, "raw": one.raw} for one in changed), answer)
    pairs = [
        (one.is_right, other.is_right)
        for one, other in zip(changed, others, strict=True)
    ]
    gained, lost = pairs.count((True, False)), pairs.count((False, True))
    n_right = sum(one.is_right for one in results)
    return {
        "changed": len(changed),
        "gained": gained,
        "lost": lost,
        "without": n_right - gained + lost,
    }


def _n_closers(row: Row) -> int:
    """Return how many closers after the cursor an editor has inserted."""
    if row.get("variant") != "closed":
        return 0
    found = CLOSERS.match(row["after"])
    return found.end() if found else 0


def _without_closers(row: Row) -> str:
    return f"{row['before']}{row['after'][_n_closers(row) :]}"


def _verdict(row: Row, shown: Completion) -> Verdict:
    n_wanted = row.get("n_replaced", _n_closers(row))
    wanted = _document(row, row["wanted"], n_wanted)
    result = _document(row, shown.text, shown.n_replaced)
    text, whole = _trimmed(shown.text), _trimmed(row["wanted"])
    if result == wanted or text == whole or _is_block_of(row, text):
        return "right"
    if whole.startswith(text):
        return "too_short"
    return "too_long" if text.startswith(whole) else "other"


def _is_block_of(row: Row, text: str) -> bool:
    """Return whether the block of an opener above is shown where its first line is wanted.

    Below an opener, rows of the kind `start` want a line, and those of the kind `empty`
    at the same places the block.
    """
    is_start = row.get("kind") == "start" and Place(cursor_of(row)).is_body
    is_of_code = _trimmed(row["raw"]).startswith(text)
    return is_start and is_of_code and text.startswith(_trimmed(row["wanted"]))


def _document(row: Row, text: str, n_replaced: int) -> str:
    return _trimmed(f"{row['before']}{text}{row['after'][n_replaced:]}")


def _trimmed(text: str) -> str:
    """Return a text without the space at the ends of its lines."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n")


def _has_new_errors(row: Row, shown: Completion) -> bool:
    with_wanted = _n_errors(row, row["wanted"], row.get("n_replaced", _n_closers(row)))
    return _n_errors(row, shown.text, shown.n_replaced) > with_wanted


def _n_errors(row: Row, text: str, n_replaced: int) -> int:
    """Count the parse errors of the whole document."""
    (found,) = judge(row["language"], "", 0, [_document(row, text, n_replaced)])
    return found.n_new_errors
