"""Decides how long a request waits for the next key.

The scheme and most constants are those of `CompletionDebouncer` in tabby-agent
(TabbyML/tabby, clients/tabby-agent/src/codeCompletion/debouncer.ts). It differs in two
points: a request that costs less than a usual gap between keys waits less, and the
debouncer waits longer on battery and for users who ignore suggestions.
"""

from __future__ import annotations

from collections import deque

from starcoder_lsp.flow import Cursor
from starcoder_lsp.languages.lines import is_of_word

# From debouncer.ts (baseIntervalSlideWindowAvg.max): longer gaps are pauses, not typing.
LONGEST_GAP_S = 0.4
# From debouncer.ts (baseIntervalSlideWindowAvg.minSize): the number of gaps in the mean.
N_GAPS = 20
# From debouncer.ts (requestDelay.max): the longest delay.
LONGEST_WAIT_S = 1.0
# From debouncer.ts (adaptiveRate.max, .min): the delay in usual gaps, inside a word and
# where typing probably pauses.
GAPS_IN_WORD, GAPS_AT_PAUSE = 3.0, 1.5
# From debouncer.ts (contextScoreWeights): the weight of each sign of a pause.
AFTER_WORD_WEIGHT, LINE_END_WEIGHT, DOCUMENT_END_WEIGHT = 0.5, 0.4, 0.1
# Our own: the gap that is assumed before any was measured (200 ms in debouncer.ts).
FIRST_GUESS_S = 0.15
# Our own: the delay doubles on battery, and grows by half with each ignored suggestion.
BATTERY_FACTOR = 2.0
FACTOR_PER_MISS, MAX_MISSES = 0.5, 4


class Debouncer:
    """Delays requests by the user's typing speed, the cursor's place, and the cost."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=N_GAPS)
        self._last_s: float | None = None
        self._n_misses = 0

    @property
    def gap_s(self) -> float:
        """The mean gap between the last keys."""
        return sum(self._gaps) / len(self._gaps) if self._gaps else FIRST_GUESS_S

    def note_key(self, now_s: float) -> None:
        """Measure the gap between this key and the one before."""
        if self._last_s is not None and now_s - self._last_s <= LONGEST_GAP_S:
            self._gaps.append(now_s - self._last_s)
        self._last_s = now_s

    def note_outcome(self, *, is_followed: bool) -> None:
        """Count consecutive suggestions that the user typed something else than."""
        self._n_misses = 0 if is_followed else min(self._n_misses + 1, MAX_MISSES)

    @property
    def miss_factor(self) -> float:
        """The factor by which ignored suggestions lengthen every delay."""
        return 1 + FACTOR_PER_MISS * self._n_misses

    def delay_s(
        self, cursor: Cursor, cost_s: float, floor_s: float, *, on_battery: bool
    ) -> float:
        """Return the seconds that a request at `cursor` waits for another key.

        Cheap requests are sent early, expensive ones once typing has probably paused.
        `cost_s` is the time that the model will need; `floor_s` is the least delay, a
        setting of the user.
        """
        likely = pause_likelihood(cursor)
        n_gaps = GAPS_IN_WORD + (GAPS_AT_PAUSE - GAPS_IN_WORD) * likely
        wait = min(self.gap_s, cost_s) * n_gaps * self.miss_factor
        if on_battery:
            wait *= BATTERY_FACTOR
        return max(min(wait, LONGEST_WAIT_S), floor_s)


def pause_likelihood(cursor: Cursor) -> float:
    """Return from 0 to 1 how likely typing pauses at `cursor`.

    >>> pause_likelihood(Cursor.marked("ret█ x")), pause_likelihood(Cursor.marked("f(█"))
    (0.0, 1.0)
    """
    is_after_word = not is_of_word(cursor.line_prefix[-1:])
    is_line_end = not cursor.line_suffix.strip()
    is_document_end = is_line_end and not cursor.suffix.strip()
    return (
        AFTER_WORD_WEIGHT * is_after_word
        + LINE_END_WEIGHT * is_line_end
        + DOCUMENT_END_WEIGHT * is_document_end
    )
