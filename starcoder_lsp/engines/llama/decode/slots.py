"""Keeps the KV caches of several documents, and finds the one that a prompt continues.

When the user returns to another file, or to another place in this one, its cache is
still there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starcoder_lsp.engines.llama.native.library import LlamaContext, Row
from starcoder_lsp.flow import Prompt
from starcoder_lsp.languages.lines import n_common

Stopped = Callable[[], bool]

# A prompt that shares this much of a slot's tokens continues in that slot.
CONTINUES_SHARE = 0.5
# Fewer common tokens are evaluated again: that is as fast as a copy.
WORTH_COPYING = 64


@dataclass
class Slot:
    """One sequence of the context; `tokens` are those in its KV cache.

    `prompt` is that of the last request that used it, and had `n_prompt` tokens.
    """

    sequence: int
    tokens: list[int] = field(default_factory=list)
    used_at: int = 0
    prompt: Prompt | None = None
    n_prompt: int = 0


class Slots:
    """One slot for each sequence of the context; the least recently used is reused."""

    def __init__(self, context: LlamaContext) -> None:
        self._context = context
        self._slots = [Slot(sequence) for sequence in range(context.n_sequences)]
        self._n_taken = 0
        self._is_copy_due = False

    @property
    def caches(self) -> list[list[int]]:
        """The tokens of each slot."""
        return [slot.tokens for slot in self._slots]

    def take(
        self,
        tokens: list[int],
        spared: Slot | None = None,
        prompt: Prompt | None = None,
    ) -> Slot:
        """Return a slot whose cache is cut to what it shares with `prompt`'s `tokens`.

        The last token is never in the cache, because its logits are not kept. `spared`
        is not touched if there is another slot.
        """
        nearest = max(self._slots, key=lambda slot: n_common(slot.tokens, tokens))
        shared = n_common(nearest.tokens, tokens)
        slot = nearest
        if nearest is spared or shared < len(nearest.tokens) * CONTINUES_SHARE:
            others = [slot for slot in self._slots if slot is not spared]
            slot = min(others or self._slots, key=lambda slot: slot.used_at)
            if shared >= n_common(slot.tokens, tokens) + WORTH_COPYING:
                self._context.copy(nearest.sequence, slot.sequence)
                self._is_copy_due = True
                slot.tokens = list(nearest.tokens)
        self.cut(slot, min(n_common(slot.tokens, tokens), len(tokens) - 1))
        slot.prompt, slot.n_prompt = prompt, len(tokens)
        self._use(slot)
        return slot

    def _use(self, slot: Slot) -> None:
        self._n_taken += 1
        slot.used_at = self._n_taken

    def emptiest(self) -> Slot:
        return min(self._slots, key=lambda slot: len(slot.tokens))

    def latest(self, is_enough: Callable[[Slot], bool]) -> Slot:
        """Return the slot used last of those that hold enough, else of all."""
        full = [slot for slot in self._slots if is_enough(slot)]
        return max(full or self._slots, key=lambda slot: slot.used_at)

    def settle(self, slot: Slot) -> None:
        """Carry out a copy that llama.cpp delays until the next batch."""
        if self._is_copy_due and slot.tokens:
            last = slot.tokens[-1]
            self.cut(slot, len(slot.tokens) - 1)
            self.extend(slot, [last])

    def read(
        self, slot: Slot, tokens: Sequence[int], n_batch: int, is_over: Stopped
    ) -> bool:
        """Evaluate the `tokens` that a slot does not hold yet, `n_batch` at a time.

        False when `is_over` stopped it on the way.
        """
        for start in range(len(slot.tokens), len(tokens), n_batch):
            # On a GPU llama.cpp calls no abort callback: this is the only check.
            if is_over() or not self.extend(slot, tokens[start : start + n_batch]):
                return False
        return True

    def extend(self, slot: Slot, tokens: Sequence[int], n_logits: int = 1) -> bool:
        """Evaluate `tokens` after those of a slot; False when it was aborted.

        The last `n_logits` tokens get logits. Raises RuntimeError when llama.cpp fails.
        """
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
        """Empty all slots, because after a failure their contents are unknown."""
        self._context.clear()
        for slot in self._slots:
            slot.tokens.clear()

    def cut(self, slot: Slot, n_tokens: int) -> None:
        """Remove all but the first `n_tokens` from a slot."""
        if not self._context.keep(slot.sequence, n_tokens):
            # A recurrent model has no cache to cut; it begins again.
            self._context.keep(slot.sequence, 0)
            n_tokens = 0
        del slot.tokens[n_tokens:]
