"""Decodes one answer token by token, or several at once where drafts are right."""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from starcoder_lsp.engines.llama.decode.caches import Caches
from starcoder_lsp.engines.llama.decode.drafting import (
    MAX_DRAFT,
    DraftPolicy,
    Guess,
    PromptLookup,
)
from starcoder_lsp.engines.llama.decode.sampling import (
    Choose,
    Logits,
    check_numbers,
    likeliest_agreeing,
    log_sum_exp,
)
from starcoder_lsp.engines.llama.decode.slots import Slot
from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary


@dataclass(frozen=True)
class Step:
    """A token, the text that it completes, and its log-probability."""

    token: int
    text: str
    log_probability: float
    is_end: bool = False


class Speller:
    """Turns tokens into text, without the `held_back` text that they begin with."""

    def __init__(self, vocabulary: Vocabulary, held_back: str) -> None:
        self._vocabulary = vocabulary
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.held = held_back.encode(errors="replace")

    def spell(self, token: int) -> str:
        """Return the text that `token` completes; empty inside a character."""
        spelled = self._vocabulary.bytes_of(token)
        new = spelled[len(self.held) :]
        self.held = self.held[len(spelled) :]
        return self._decoder.decode(new)


class FirstLine:
    """Counts the tokens up to the end of the first line that is not blank."""

    def __init__(self) -> None:
        self.n_tokens = 0
        self._text = ""
        self._is_open = True

    def saw(self, text: str) -> None:
        if self._is_open:
            self.n_tokens += 1
            self._text = (self._text + text).lstrip()
            self._is_open = "\n" not in self._text


@dataclass
class Decoder:
    """Decodes answers from the logits of a context, with draft tokens if `drafts`."""

    caches: Caches
    vocabulary: Vocabulary
    economy: DraftPolicy
    drafts: bool = True

    def steps(
        self,
        slot: Slot,
        held_back: str,
        is_last: Callable[[int], bool],
        choose: Choose,
        max_tokens: int,
        is_over: Callable[[], bool],
        elsewhere: Sequence[int] = (),
    ) -> Iterator[Step]:
        """Yield steps up to the end that the model chooses, which is a step, too.

        The slot was just extended to the end of the prompt. `is_last` says which tokens
        end an answer, `choose` chooses among logits, and `is_over` stops the decoding.
        Drafts are looked up in the slot's tokens and in tokens `elsewhere`.
        """
        speller = Speller(self.vocabulary, held_back)
        lookup = PromptLookup([*elsewhere, *slot.tokens] if self.drafts else ())
        guess, n_drafted, row = Guess(), 0, -1
        for n_left in range(max_tokens - 1, -1, -1):
            logits = self.caches.context.logits(row)
            token = None if is_over() else self._choose(logits, speller.held, choose)
            if token is None:
                return
            log_probability = float(logits[token]) - log_sum_exp(logits)
            if is_last(token):
                yield Step(token, "", log_probability, is_end=True)
                return
            yield Step(token, speller.spell(token), log_probability)
            lookup.append(token)
            if self._learn(guess, row, token) and row < n_drafted:
                row += 1
                continue
            self._forget(slot, n_drafted - max(row, 0))
            guess = self._guess(lookup, speller)
            draft = self._draft(guess, self._room(slot, n_left))
            n_drafted, row = len(draft), 0
            if not n_left or not self._extend(slot, [token, *draft]):
                return

    def _forget(self, slot: Slot, n_wrong: int) -> None:
        if n_wrong:
            self.caches.slots.cut(slot, len(slot.tokens) - n_wrong)

    def _guess(self, lookup: PromptLookup, speller: Speller) -> Guess:
        if not self.drafts or speller.held:
            return Guess()
        return lookup.guess(MAX_DRAFT + 1)

    def _choose(self, logits: Logits, held: bytes, choose: Choose) -> int | None:
        check_numbers(logits)
        if not held:
            return choose(logits)
        return likeliest_agreeing(logits, self.vocabulary, held)

    def _learn(self, guess: Guess, row: int, token: int) -> bool:
        """Note whether a guess was right, and return it."""
        if not 0 <= row < len(guess.tokens):
            return False
        is_right = guess.tokens[row] == token
        self.economy.saw_guess(guess.n_matched + row, is_right)
        return is_right

    def _room(self, slot: Slot, n_left: int) -> int:
        """Return how many tokens a draft may have: the last one is not evaluated."""
        n_free = self.caches.context.n_context - len(slot.tokens) - 1
        return min(n_left - 1, n_free, self.caches.context.n_batch - 1)

    def _draft(self, guess: Guess, n_most: int) -> Sequence[int]:
        return guess.tokens[: self.economy.n_worthwhile(guess, n_most)]

    def _extend(self, slot: Slot, tokens: Sequence[int]) -> bool:
        started = time.perf_counter()
        if not self.caches.slots.extend(slot, tokens, n_logits=len(tokens)):
            return False
        # A GPU computes in the background until the logits are read.
        self.caches.context.logits(0)
        self.economy.costs.saw(len(tokens), time.perf_counter() - started)
        return True
