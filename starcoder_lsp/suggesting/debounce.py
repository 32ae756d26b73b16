"""How long to wait for the next key: by the user's rhythm, the place, and the cost."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from starcoder_lsp.engines import Speed
from starcoder_lsp.flow import Cursor, Usage
from starcoder_lsp.languages.lines import is_of_word

# A longer gap is a pause for thought, not typing.
LONGEST_GAP_S = 0.4
FIRST_GUESS_S = 0.15
N_GAPS = 20
LONGEST_WAIT_S = 1.0
ON_BATTERY = 2.0
# How many usual gaps of silence make a rest: inside a word, and where a rest is likely.
GAPS_IN_WORD, GAPS_AT_REST = 3.0, 1.5
# Who types past one suggestion after the other wants fewer of them.
PER_MISS, MOST_MISSES = 0.5, 4
# A suggestion has about this many tokens, and a token this many characters.
USUAL_TOKENS = 12
CHARACTERS_PER_TOKEN = 3.5
FIRST_SPEED = Speed(prefill_tokens_per_s=200.0, decode_tokens_per_s=20.0)
NEWEST_SHARE = 0.3


class Rhythm:
    """The mean gap between the last keys."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=N_GAPS)
        self._last_s: float | None = None
        self._n_misses = 0

    @property
    def gap_s(self) -> float:
        return sum(self._gaps) / len(self._gaps) if self._gaps else FIRST_GUESS_S

    def note_key(self, now_s: float) -> None:
        if self._last_s is not None and now_s - self._last_s <= LONGEST_GAP_S:
            self._gaps.append(now_s - self._last_s)
        self._last_s = now_s

    def note_outcome(self, *, is_followed: bool) -> None:
        """Whether the user has typed what the last suggestion said."""
        self._n_misses = 0 if is_followed else min(self._n_misses + 1, MOST_MISSES)

    @property
    def patience(self) -> float:
        """How many times longer to wait for who types past what is suggested."""
        return 1 + PER_MISS * self._n_misses

    def delay_s(
        self, cursor: Cursor, cost_s: float, floor_s: float, *, on_battery: bool
    ) -> float:
        """What is cheap is asked soon; what is dear, once no further key is likely.

        Of a word half typed more is likely to come than of a finished line.
        """
        likely = rest_likelihood(cursor)
        n_gaps = GAPS_IN_WORD + (GAPS_AT_REST - GAPS_IN_WORD) * likely
        wait = min(self.gap_s, cost_s) * n_gaps * self.patience
        if on_battery:
            wait *= ON_BATTERY
        return max(min(wait, LONGEST_WAIT_S), floor_s)


def rest_likelihood(cursor: Cursor) -> float:
    """From 0 to 1: how much the place looks like one where typing rests.

    >>> rest_likelihood(Cursor.marked("ret█ x")), rest_likelihood(Cursor.marked("f(█"))
    (0.0, 1.0)
    """
    is_between_words = not is_of_word(cursor.line_prefix[-1:])
    is_line_end = not cursor.line_suffix.strip()
    is_end = is_line_end and not cursor.suffix.strip()
    return 0.5 * is_between_words + 0.4 * is_line_end + 0.1 * is_end


@dataclass
class Pace:
    """What requests cost on this machine, learned from the answers."""

    speed: Speed = FIRST_SPEED

    def learn(self, usage: Usage) -> None:
        decode_ms = usage.total_ms - usage.first_token_ms
        self.speed = Speed(
            _moved(
                self.speed.prefill_tokens_per_s,
                usage.evaluated_tokens,
                usage.first_token_ms,
            ),
            _moved(
                self.speed.decode_tokens_per_s, usage.generated_tokens - 1, decode_ms
            ),
        )

    def cost_s(self, n_new_characters: int, measured: Speed | None) -> float:
        """The time for a prompt of which so many characters are not in the KV cache."""
        speed = measured or self.speed
        n_tokens = n_new_characters / CHARACTERS_PER_TOKEN
        reading_s = n_tokens / max(speed.prefill_tokens_per_s, 1.0)
        return reading_s + USUAL_TOKENS / max(speed.decode_tokens_per_s, 1.0)


def _moved(old: float, n_tokens: int, time_ms: float) -> float:
    """The old speed, a bit nearer to the new one, if that says anything."""
    if n_tokens < 4 or time_ms <= 0:
        return old
    return old + NEWEST_SHARE * (n_tokens / time_ms * 1000 - old)
