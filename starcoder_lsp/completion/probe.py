"""Tries out whether a loaded model fills in the middle, on middles that are trivial.

Models such as OpenCoder have the control tokens without a training for them: they write
something else, or do not stop. A trained model of any size finishes these three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import NamedTuple

from starcoder_lsp.completion.prompt import Family, Window, build_prompt
from starcoder_lsp.engines import Engine
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import CURSOR_MARK, Cursor, Limits


class Trial(NamedTuple):
    """A text with a cursor, and the middle that belongs there."""

    text: str
    middle: str


TRIALS = (
    Trial(f"numbers = [1, 2, 3, {CURSOR_MARK}, 5, 6, 7, 8]\n", "4"),
    Trial(f'letters = ["a", "b", "{CURSOR_MARK}", "d", "e", "f"]\n', "c"),
    Trial(f"for i in range(10):\n    print({CURSOR_MARK})\n", "i"),
)
LIMITS = Limits(max_tokens=8, time_budget_ms=60_000)
WINDOW = Window(1000, 1000)


@dataclass(frozen=True)
class Verdict:
    """Counts the middles that came back, and the stops behind them, of `n_trials`."""

    n_right: int
    n_stopped: int
    n_trials: int = len(TRIALS)

    @property
    def fills(self) -> bool:
        """Return whether the model fills in the middle at all."""
        return self.n_right > 0 and self.n_stopped > 0

    def __str__(self) -> str:
        return (
            f"of {self.n_trials} trivial middles {self.n_right} came back, and the model "
            f"stopped after {self.n_stopped}"
        )


async def probe(
    engine: Engine, family: Family, trials: Sequence[Trial] = TRIALS
) -> Verdict | None:
    """Ask an engine that is ready for trivial middles; None if it did not answer.

    A family without a form for the middle has nothing to try: None.
    """
    if family.layout == "plain":
        return None
    try:
        answers = [await _answer(engine, family, trial.text) for trial in trials]
    except EngineError:
        return None
    pairs = zip(answers, trials, strict=True)
    n_right = sum(answer[0].strip() == trial.middle for answer, trial in pairs)
    return Verdict(n_right, sum(stopped for _, stopped in answers), len(trials))


async def _answer(engine: Engine, family: Family, text: str) -> tuple[str, bool]:
    """Return the middle that the model writes, and whether it ended it by itself."""
    prompt = build_prompt(Cursor.marked(text), family, WINDOW)
    written, reason = "", None
    async with aclosing(engine.generate(prompt, LIMITS)) as pieces:
        async for piece in pieces:
            written, reason = written + piece.text, piece.usage.finish_reason
    return written, reason == "stop"


def as_row(verdict: Verdict) -> list[int]:
    return [verdict.n_right, verdict.n_stopped, verdict.n_trials]


def of_row(row: Sequence[int]) -> Verdict:
    """Return the verdict of a stored row; raises TypeError or ValueError."""
    n_right, n_stopped, n_trials = row
    for n in row:
        if type(n) is not int or not 0 <= n <= n_trials:
            raise ValueError(f"{row} is no verdict")
    return Verdict(n_right, n_stopped, n_trials)


Verdicts = Mapping[str, Verdict]
