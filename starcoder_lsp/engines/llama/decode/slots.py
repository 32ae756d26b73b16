"""The KV caches of several documents, and which of them a prompt goes on in.

Going back to another file, or to another place in this one, finds its cache as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starcoder_lsp.engines.llama.native.library import Context, Row
from starcoder_lsp.languages.lines import n_common

Stopped = Callable[[], bool]

# A prompt that shares this much of a slot's tokens goes on in that slot.
GOES_ON_SHARE = 0.5
# Fewer common tokens than this are evaluated again rather than copied.
WORTH_COPYING = 64


@dataclass
class Slot:
    """One sequence of the context; `tokens` is what its cache holds."""

    sequence: int
    tokens: list[int] = field(default_factory=list)
    used_at: int = 0


class Slots:
    """As many sequences as the context has, the least recently used given away first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._slots = [Slot(sequence) for sequence in range(context.n_sequences)]
        self._n_taken = 0
        self._is_copy_due = False

    @property
    def caches(self) -> list[list[int]]:
        """What each slot holds."""
        return [slot.tokens for slot in self._slots]

    def take(self, tokens: list[int], spared: Slot | None = None) -> Slot:
        """A slot for `tokens`, its cache cut down to what they begin with.

        The last token is never in it: its logits are not kept. `spared` is left as it
        is where there is another one.
        """
        nearest = max(self._slots, key=lambda slot: n_common(slot.tokens, tokens))
        shared = n_common(nearest.tokens, tokens)
        slot = nearest
        if nearest is spared or shared < len(nearest.tokens) * GOES_ON_SHARE:
            others = [slot for slot in self._slots if slot is not spared]
            slot = min(others or self._slots, key=lambda slot: slot.used_at)
            if shared >= n_common(slot.tokens, tokens) + WORTH_COPYING:
                self._context.copy(nearest.sequence, slot.sequence)
                self._is_copy_due = True
                slot.tokens = list(nearest.tokens)
        self.cut(slot, min(n_common(slot.tokens, tokens), len(tokens) - 1))
        self._use(slot)
        return slot

    def _use(self, slot: Slot) -> None:
        self._n_taken += 1
        slot.used_at = self._n_taken

    def emptiest(self) -> Slot:
        return min(self._slots, key=lambda slot: len(slot.tokens))

    def latest(self, n_least: int) -> Slot:
        """The slot that was used last, of those that hold so much, if any does."""
        full = [slot for slot in self._slots if len(slot.tokens) >= n_least]
        return max(full or self._slots, key=lambda slot: slot.used_at)

    def settle(self, slot: Slot) -> None:
        """Make a slot's cells hold what it says; a copy waits for the next batch."""
        if self._is_copy_due and slot.tokens:
            last = slot.tokens[-1]
            self.cut(slot, len(slot.tokens) - 1)
            self.extend(slot, [last])

    def read(
        self, slot: Slot, tokens: Sequence[int], n_batch: int, is_over: Stopped
    ) -> bool:
        """Evaluate what a slot does not hold yet; False when it was stopped on the way."""
        for start in range(len(slot.tokens), len(tokens), n_batch):
            # A GPU never asks whether to go on: there this is the only question.
            if is_over() or not self.extend(slot, tokens[start : start + n_batch]):
                return False
        return True

    def extend(self, slot: Slot, tokens: Sequence[int], n_logits: int = 1) -> bool:
        """Evaluate `tokens` after what a slot holds; False when it was aborted."""
        position = len(slot.tokens)
        rows = [(slot.sequence, position + i, token) for i, token in enumerate(tokens)]
        if not self._evaluate(rows, n_logits):
            self.cut(slot, position)
            return False
        slot.tokens += tokens
        return True

    def _evaluate(self, rows: Sequence[Row], n_logits: int) -> bool:
        self._is_copy_due = False
        try:
            return self._context.evaluate(rows, n_logits)
        except RuntimeError:
            self.forget_all()
            raise

    def forget_all(self) -> None:
        """After a failure nobody knows what the caches hold."""
        self._context.clear()
        for slot in self._slots:
            slot.tokens.clear()

    def cut(self, slot: Slot, n_tokens: int) -> None:
        """Forget what a slot holds beyond its first `n_tokens`."""
        if not self._context.keep(slot.sequence, n_tokens):
            # A recurrent model cannot go back to the middle.
            self._context.keep(slot.sequence, 0)
            n_tokens = 0
        del slot.tokens[n_tokens:]
