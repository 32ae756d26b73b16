"""One conversation with a loaded model: prompt in, text out, the KV cache kept between.

Tokens common with the last request are not evaluated again; a stop at any moment,
also inside a prefill, leaves what was evaluated usable for the next request.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from starcoder_lsp.engines.llama.library import Context, Model
from starcoder_lsp.engines.llama.slots import Slot, Slots
from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.flow import Control, FinishReason, Limits, Piece, Prompt, Usage

# Small enough that an abort loses little, large enough for full prefill speed.
N_BATCH = 128
# Documents, or places in one, whose caches are kept side by side.
N_SLOTS = 3
# The suffix keeps at least this share of a prompt that has to be shortened.
SUFFIX_SHARE = 0.25
# What is too long loses a multiple of this part of the budget.
CUT_STEPS = 8

Cut = Literal["start", "end", "never"]


@dataclass
class _Part:
    tokens: list[int]
    cut: Cut


class Session:
    """Answers one request at a time; not for use by two threads."""

    def __init__(
        self, model: Model, *, n_context: int, n_threads: int, n_slots: int = N_SLOTS
    ) -> None:
        self._vocabulary = model.vocabulary
        self._is_over: Callable[[], bool] = lambda: False
        self._context = Context(
            model,
            n_context=n_context,
            n_sequences=n_slots,
            n_batch=N_BATCH,
            n_threads=n_threads,
            should_abort=lambda: self._is_over(),
        )
        self._slots = Slots(self._context)
        self._slot = Slot(0)
        self._unread: list[int] = []
        self._clock = time.perf_counter

    @property
    def n_context(self) -> int:
        return self._context.n_context

    def generate(
        self, prompt: Prompt, limits: Limits, is_cancelled: Callable[[], bool]
    ) -> Iterator[Piece]:
        """Greedy text for `prompt`; the last piece says why it ended.

        Raises ModelBroken when the model's numbers are not numbers.
        """
        started = self._clock()
        deadline = started + limits.time_budget_ms / 1000
        self._is_over = lambda: is_cancelled() or self._clock() >= deadline

        tokens = self._tokens(prompt, limits)
        self._slot = self._slots.take(tokens)
        self._unread = tokens
        usage = Usage(len(tokens), len(tokens) - len(self._slot.tokens))
        ended: FinishReason | None = None if self._prefill(tokens) else "cancelled"
        if ended is None:
            # A stop that the vocabulary lacks cannot be generated.
            stops = {self._vocabulary.control(token) for token in prompt.stops}
            for token, text in self._decode(prompt.held_back, stops, limits.max_tokens):
                elapsed_ms = (self._clock() - started) * 1000
                usage = replace(
                    usage,
                    generated_tokens=usage.generated_tokens + 1,
                    first_token_ms=usage.first_token_ms or elapsed_ms,
                    total_ms=elapsed_ms,
                )
                if token is None:
                    ended = "stop"
                elif text:
                    yield Piece(text, usage)
        if ended != "stop" and self._is_over():
            ended = "cancelled" if is_cancelled() else "time"
        total_ms = (self._clock() - started) * 1000
        yield Piece(
            "", replace(usage, total_ms=total_ms, finish_reason=ended or "length")
        )

    def finish_prefill(self, is_wanted: Callable[[], bool]) -> None:
        """Go on reading a prompt for which time ran out, until something is wanted.

        The next request, most likely for nearly the same prompt, finds it read.
        """
        self._is_over = is_wanted
        self._prefill(self._unread)

    def _tokens(self, prompt: Prompt, limits: Limits) -> list[int]:
        parts = [_Part(self._vocabulary.beginning, "never")]
        for segment in prompt.segments:
            if isinstance(segment, Control):
                parts.append(_Part([self._control(segment.token)], "never"))
            else:
                tokens = self._vocabulary.encode(segment.text)
                parts.append(_Part(tokens, segment.cut))
        shorten(parts, self.n_context - limits.max_tokens - 1)
        tokens = [token for part in parts for token in part.tokens]
        # An empty prompt has nothing to predict from.
        return tokens or [self._vocabulary.encode("\n")[-1]]

    def _control(self, token: str) -> int:
        found = self._vocabulary.control(token)
        if found is None:
            raise ModelBroken(f"the model has no token {token}")
        return found

    def _prefill(self, tokens: list[int]) -> bool:
        """Evaluate what is not cached; False when it was stopped on the way."""
        for start in range(len(self._slot.tokens), len(tokens), N_BATCH):
            # A GPU never asks whether to go on: there this is the only question.
            if self._is_over():
                return False
            if not self._evaluate(tokens[start : start + N_BATCH]):
                return False
        return True

    def _evaluate(self, tokens: list[int]) -> bool:
        slot = self._slot
        position = len(slot.tokens)
        try:
            done = self._context.evaluate(slot.sequence, tokens, position)
        except RuntimeError:
            self._slots.forget_all()
            raise
        if done:
            slot.tokens += tokens
        else:
            self._slots.cut(slot, position)
        return done

    def _decode(
        self, held_back: str, stops: set[int | None], max_tokens: int
    ) -> Iterator[tuple[int | None, str]]:
        """Tokens and the text each completes; (None, "") is the model's own end."""
        held = held_back.encode(errors="replace")
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for _ in range(max_tokens):
            if self._is_over():
                return
            token = self._choose(held)
            if token is None:
                return
            if token in stops or self._vocabulary.is_end(token):
                yield None, ""
                return
            spelled = self._vocabulary.bytes_of(token)
            held, new = held[len(spelled) :], spelled[len(held) :]
            yield token, decoder.decode(new)
            if not self._evaluate([token]):
                return

    def _choose(self, held: bytes) -> int | None:
        """The likeliest token; while text is held back, the likeliest that agrees.

        None when no token can spell what is held back.
        """
        logits = self._context.logits()
        if held:
            candidates = self._vocabulary.agreeing(held)
            if not candidates:
                return None
            best = candidates[int(logits[candidates].argmax())]
        else:
            best = int(logits.argmax())
        if np.isnan(logits[best]):
            raise ModelBroken("the model computes no numbers; get its file again")
        return best


def shorten(parts: list[_Part], budget: int) -> None:
    """Cut parts where they may be cut until all fit into `budget` tokens.

    The end of the suffix goes first, down to its share, then the start of the prefix.
    """
    excess = sum(len(part.tokens) for part in parts) - budget
    floor = int(budget * SUFFIX_SHARE)
    # In steps: an end that moves with each token would void the KV cache.
    grid = max(budget // CUT_STEPS, 1)
    for part in parts:
        if part.cut == "end" and excess > 0:
            n_cut = min(_up_to(grid, excess), max(len(part.tokens) - floor, 0))
            part.tokens = part.tokens[: len(part.tokens) - n_cut]
            excess -= n_cut
    for part in parts:
        if part.cut == "start" and excess > 0:
            n_cut = min(_up_to(grid, excess), len(part.tokens))
            part.tokens = part.tokens[n_cut:]
            excess -= n_cut
    if excess > 0:
        raise ModelBroken(f"the prompt is {excess} tokens longer than the context")


def _up_to(grid: int, amount: int) -> int:
    """The multiple of `grid` that is at least `amount`."""
    return -(-amount // grid) * grid
