"""One conversation with a loaded model: prompt in, text out, the KV cache kept between.

Tokens common with the last request are not evaluated again; a stop at any moment,
also inside a prefill, leaves what was evaluated usable for the next request.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.capacity import N_BATCH, N_SLOTS
from starcoder_lsp.engines.llama.fitting import Part, shorten
from starcoder_lsp.engines.llama.library import Context, Model
from starcoder_lsp.engines.llama.sampling import log_sum_exp
from starcoder_lsp.engines.llama.slots import Slot, Slots
from starcoder_lsp.engines.llama.tokens import TokenCache
from starcoder_lsp.errors import EngineError, ModelBroken
from starcoder_lsp.flow import (
    Candidate,
    Control,
    FinishReason,
    Group,
    Limits,
    Piece,
    Prompt,
    Score,
    Text,
    Usage,
)


class Session:
    """Answers one request at a time; not for use by two threads."""

    def __init__(
        self,
        model: Model,
        *,
        n_context: int,
        n_threads: int,
        n_slots: int = N_SLOTS,
        kv_type: str = "f16",
    ) -> None:
        self._vocabulary = model.vocabulary
        self._texts = TokenCache(model.vocabulary.encode)
        self._is_over: Callable[[], bool] = lambda: False
        self._context = Context(
            model,
            n_context=n_context,
            n_sequences=n_slots,
            n_batch=N_BATCH,
            n_threads=n_threads,
            kv_type=kv_type,
            should_abort=lambda: self._is_over(),
        )
        self._slots = Slots(self._context)
        self._slot = Slot(0)
        self._unread: list[int] = []
        self._clock = time.perf_counter
        self.speed: Speed | None = None

    @property
    def n_context(self) -> int:
        return self._context.n_context

    def generate(
        self, prompt: Prompt, limits: Limits, is_cancelled: Callable[[], bool]
    ) -> Iterator[Piece]:
        """Greedy text for `prompt`; the last piece says why it ended.

        Raises ModelBroken when the model's numbers are not numbers.
        """
        started = self._begin(limits, is_cancelled)
        tokens = self._tokens(prompt, limits)
        self._slot = self._slots.take(tokens)
        self._unread = tokens
        usage = Usage(len(tokens), len(tokens) - len(self._slot.tokens))
        ended: FinishReason | None = None if self._prefill(tokens) else "cancelled"
        if ended is None:
            # A stop that the vocabulary lacks cannot be generated.
            stops = {self._vocabulary.control(token) for token in prompt.stops}
            for token, text, log_probability in self._decode(
                prompt.held_back, stops, limits.max_tokens
            ):
                elapsed_ms = (self._clock() - started) * 1000
                usage = replace(
                    usage,
                    generated_tokens=usage.generated_tokens + 1,
                    first_token_ms=usage.first_token_ms or elapsed_ms,
                    total_ms=elapsed_ms,
                    log_probability=usage.log_probability + log_probability,
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

    def candidates(
        self,
        prompt: Prompt,
        limits: Limits,
        n_wanted: int,
        is_cancelled: Callable[[], bool],
    ) -> list[Candidate]:
        """Up to `n_wanted` different texts, the likeliest first.

        Each begins with another token and goes on greedily.
        """
        self._begin(limits, is_cancelled)
        tokens = self._tokens(prompt, limits)
        self._slot = self._slots.take(tokens)
        if not self._prefill(tokens):
            return []
        stops = {self._vocabulary.control(token) for token in prompt.stops}
        held = prompt.held_back.encode(errors="replace")
        found: dict[str, Candidate] = {}
        for first in self._likeliest(held, n_wanted):
            self._slots.cut(self._slot, len(tokens) - 1)
            if not self._slots.extend(self._slot, tokens[-1:]):
                break
            candidate = self._candidate(prompt, stops, limits.max_tokens, first)
            found.setdefault(candidate.text, candidate)
        return sorted(found.values(), key=lambda one: -one.log_probability)

    def score(
        self,
        prompt: Prompt,
        texts: Sequence[str],
        limits: Limits,
        is_cancelled: Callable[[], bool],
    ) -> list[Score]:
        """How likely each text is to follow the prompt and what it holds back."""
        self._begin(limits, is_cancelled)
        tokens = self._tokens(prompt, limits)
        self._slot = self._slots.take(tokens)
        if not self._prefill(tokens):
            raise EngineError("the texts were not scored in time")
        scores = []
        for text in texts:
            self._slots.cut(self._slot, len(tokens) - 1)
            if not self._slots.extend(self._slot, tokens[-1:]):
                raise EngineError("the texts were not scored in time")
            scores.append(self._score(self._vocabulary.encode(prompt.held_back + text)))
        return scores

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(self._vocabulary.encode(text)) for text in texts]

    def finish_prefill(self, is_wanted: Callable[[], bool]) -> None:
        """Go on reading a prompt for which time ran out, until something is wanted.

        The next request, most likely for nearly the same prompt, finds it read.
        """
        self._is_over = is_wanted
        self._prefill(self._unread)

    def _begin(self, limits: Limits, is_cancelled: Callable[[], bool]) -> float:
        started = self._clock()
        deadline = started + limits.time_budget_ms / 1000
        self._is_over = lambda: is_cancelled() or self._clock() >= deadline
        return started

    def _tokens(self, prompt: Prompt, limits: Limits) -> list[int]:
        parts = [Part(self._vocabulary.beginning, "never")]
        for segment in _flat(prompt):
            if isinstance(segment, Control):
                parts.append(Part([self._control(segment.token)], "never"))
            else:
                tokens = self._texts.encode(segment.text)
                parts.append(Part(tokens, segment.cut))
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
            if not self._slots.extend(self._slot, tokens[start : start + N_BATCH]):
                return False
        return True

    def _decode(
        self,
        held_back: str,
        stops: set[int | None],
        max_tokens: int,
        first: int | None = None,
    ) -> Iterator[tuple[int | None, str, float]]:
        """Tokens, the text each completes, and its log-probability.

        None for a token is the model's own end.
        """
        held = held_back.encode(errors="replace")
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for _ in range(max_tokens):
            if self._is_over():
                return
            token = self._choose(held) if first is None else first
            first = None
            if token is None:
                return
            logits = self._context.logits()
            log_probability = float(logits[token]) - log_sum_exp(logits)
            if token in stops or self._vocabulary.is_end(token):
                yield None, "", log_probability
                return
            spelled = self._vocabulary.bytes_of(token)
            held, new = held[len(spelled) :], spelled[len(held) :]
            yield token, decoder.decode(new), log_probability
            if not self._slots.extend(self._slot, [token]):
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

    def _candidate(
        self, prompt: Prompt, stops: set[int | None], max_tokens: int, first: int
    ) -> Candidate:
        text, total, ended = "", 0.0, False
        for token, new, log_probability in self._decode(
            prompt.held_back, stops, max_tokens, first
        ):
            text += new
            total += log_probability
            ended = token is None
        if ended:
            return Candidate(text, total, "stop")
        return Candidate(text, total, "time" if self._is_over() else "length")

    def _likeliest(self, held: bytes, n_wanted: int) -> list[int]:
        """Tokens that the answer can begin with, the likeliest first."""
        logits = self._context.logits()
        agreeing = self._vocabulary.agreeing(held) if held else range(len(logits))
        order = np.argsort(-logits[agreeing])[:n_wanted]
        return [agreeing[int(i)] for i in order]

    def _score(self, tokens: list[int]) -> Score:
        total = 0.0
        for token in tokens:
            logits = self._context.logits()
            total += float(logits[token]) - log_sum_exp(logits)
            if not self._slots.extend(self._slot, [token]):
                raise EngineError("the texts were not scored in time")
        return Score(total, len(tokens))


def _flat(prompt: Prompt) -> Iterator[Control | Text]:
    for item in prompt.segments:
        if isinstance(item, Group):
            yield from item.segments
        else:
            yield item
