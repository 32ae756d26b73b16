"""Several answers to one prompt: they part at the first token the model is unsure of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from starcoder_lsp.engines.llama.decoding import Speller
from starcoder_lsp.engines.llama.library import Context
from starcoder_lsp.engines.llama.sampling import Logits, log_sum_exp
from starcoder_lsp.engines.llama.slots import Slot, Slots
from starcoder_lsp.engines.llama.vocabulary import Vocabulary
from starcoder_lsp.flow import Candidate, FinishReason

# A token less likely than this has alternatives.
SURE = 0.7


@dataclass(frozen=True)
class Fork:
    """Where answers part: after so many tokens, and with which tokens."""

    n_before: int
    log_probability: float
    branches: Sequence[tuple[int, float]]

    @property
    def doubt(self) -> float:
        return -self.branches[0][1]


@dataclass
class Lane:
    """One answer on its way, in a slot of its own."""

    slot: Slot
    tokens: list[int]
    log_probability: float
    finish: FinishReason | None = None


@dataclass
class Candidates:
    """Decodes the answers to one prompt; the slot holds all of it."""

    context: Context
    slots: Slots
    vocabulary: Vocabulary
    held_back: str
    is_last: Callable[[int], bool]
    max_tokens: int
    is_over: Callable[[], bool]

    def decode(self, slot: Slot, n_wanted: int) -> list[Candidate]:
        """Up to `n_wanted` different ones, the likeliest first."""
        n_prompt = len(slot.tokens)
        trunk = Lane(slot, [], 0.0)
        fork = self._trunk(trunk, n_wanted)
        lanes = [trunk] if trunk.finish else []
        if fork is not None:
            shared = trunk.tokens[: fork.n_before]
            branches = list(fork.branches[len(lanes) :])
            while branches and not self.is_over():
                self.slots.cut(slot, n_prompt + fork.n_before)
                others = self.slots.copies(slot, len(branches) - 1)
                round_ = [
                    Lane(one, [*shared, token], fork.log_probability + log_probability)
                    for one, (token, log_probability) in zip(
                        [slot, *others], branches, strict=False
                    )
                ]
                branches = branches[len(round_) :]
                self._run(round_)
                lanes += round_
        return self._distinct(lanes)

    def _trunk(self, trunk: Lane, n_wanted: int) -> Fork | None:
        """Write the likeliest answer up to the first doubt, which is the fork.

        Without one it is written to its end, and the fork is where doubt was greatest.
        """
        speller = Speller(self.vocabulary, self.held_back)
        deepest: Fork | None = None
        while not self._ended(trunk):
            fork = self._fork(trunk, speller.held, n_wanted)
            if fork is None:
                trunk.finish = "stop"
                break
            if deepest is None or fork.doubt > deepest.doubt:
                deepest = fork
            token, log_probability = fork.branches[0]
            if n_wanted > 1 and fork.doubt > -math.log(SURE):
                return fork
            speller.spell(token)
            self._append(trunk, token, log_probability)
            if not trunk.finish and not self.slots.extend(trunk.slot, [token]):
                self._ended(trunk)
        return deepest

    def _fork(self, trunk: Lane, held: bytes, n_wanted: int) -> Fork | None:
        logits = self.context.logits()
        allowed = self.vocabulary.agreeing(held) if held else None
        if allowed == []:
            return None
        branches = _likeliest(logits, allowed, n_wanted)
        return Fork(len(trunk.tokens), trunk.log_probability, branches)

    def _run(self, lanes: Sequence[Lane]) -> None:
        """Go on greedily in all lanes, one token of each per batch."""
        spellers = [Speller(self.vocabulary, self.held_back) for _ in lanes]
        for lane, speller in zip(lanes, spellers, strict=True):
            for token in lane.tokens:
                speller.spell(token)
            self._check(lane, lane.tokens[-1])
        while running := [i for i, lane in enumerate(lanes) if not self._ended(lane)]:
            last = [(lanes[i].slot, lanes[i].tokens[-1]) for i in running]
            if not self.slots.extend_each(last):
                continue
            for row, i in enumerate(running):
                logits = self.context.logits(row)
                held = spellers[i].held
                allowed = self.vocabulary.agreeing(held) if held else None
                if allowed == []:
                    lanes[i].finish = "stop"
                    continue
                [(token, log_probability)] = _likeliest(logits, allowed, 1)
                spellers[i].spell(token)
                self._append(lanes[i], token, log_probability)

    def _append(self, lane: Lane, token: int, log_probability: float) -> None:
        lane.tokens.append(token)
        lane.log_probability += log_probability
        self._check(lane, token)

    def _check(self, lane: Lane, token: int) -> None:
        if self.is_last(token):
            lane.tokens.pop()
            lane.finish = "stop"
        elif len(lane.tokens) >= self.max_tokens:
            lane.finish = "length"

    def _ended(self, lane: Lane) -> bool:
        if lane.finish is None and self.is_over():
            lane.finish = "time"
        return lane.finish is not None

    def _distinct(self, lanes: Sequence[Lane]) -> list[Candidate]:
        found: dict[str, Candidate] = {}
        for lane in sorted(lanes, key=lambda lane: -lane.log_probability):
            speller = Speller(self.vocabulary, self.held_back)
            text = "".join(map(speller.spell, lane.tokens))
            finish = lane.finish or "length"
            found.setdefault(text, Candidate(text, lane.log_probability, finish))
        return list(found.values())


def _likeliest(
    logits: Logits, allowed: list[int] | None, n_wanted: int
) -> list[tuple[int, float]]:
    """Tokens with their log-probabilities, the likeliest first."""
    total = log_sum_exp(logits)
    considered = logits if allowed is None else logits[allowed]
    n_most = min(n_wanted, len(considered))
    best = np.argpartition(-considered, n_most - 1)[:n_most]
    best = best[np.argsort(-considered[best])]
    tokens = [int(i) if allowed is None else allowed[int(i)] for i in best]
    return [(token, float(logits[token]) - total) for token in tokens]
