"""Answers requests with a loaded model and keeps the KV cache between them.

Tokens shared with an earlier request are not evaluated again. A request may be stopped
at any moment, also inside a prefill; the tokens evaluated by then stay in the cache.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.decode.beams import Beam
from starcoder_lsp.engines.llama.decode.caches import Caches
from starcoder_lsp.engines.llama.decode.decoding import Decoder, FirstLine
from starcoder_lsp.engines.llama.decode.drafting import DraftPolicy
from starcoder_lsp.engines.llama.decode.sampling import Choose, likeliest, log_sum_exp
from starcoder_lsp.engines.llama.decode.slots import Slot
from starcoder_lsp.engines.llama.machine.capacity import N_BATCH, N_SLOTS
from starcoder_lsp.engines.llama.machine.kernels import Mix
from starcoder_lsp.engines.llama.machine.speed import n_per_batch
from starcoder_lsp.engines.llama.native.infill_sampler import InfillSampler
from starcoder_lsp.engines.llama.native.kernel import PLAIN, Kernel
from starcoder_lsp.engines.llama.native.library import LlamaModel, OutOfMemory
from starcoder_lsp.engines.llama.native.threads import Threads
from starcoder_lsp.engines.prompt_fit import (
    Fitted,
    fit,
    n_affordable,
    parts_of,
    prompt_budget,
)
from starcoder_lsp.engines.token_cache import TokenCache
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import (
    Candidate,
    FinishReason,
    Limits,
    Piece,
    Prompt,
    Score,
    Usage,
)

logger = logging.getLogger(__name__)


class LlamaSession:
    """Answers one request at a time; not for use by two threads.

    `n_context` is the tokens of each of the `n_slots` slots. `n_reserved` of them stay
    free for answers, so that a prompt that is only read is cut like one that is
    answered. With `drafts`, draft tokens are tried. `threads`, if there are any, choose
    the number of threads instead of `n_threads`.
    """

    def __init__(
        self,
        model: LlamaModel,
        *,
        n_context: int,
        n_threads: int,
        n_slots: int = N_SLOTS,
        kernel: Kernel = PLAIN,
        threads: Threads | None = None,
        n_reserved: int = 0,
        drafts: bool = True,
    ) -> None:
        self._vocabulary = model.vocabulary
        self._texts = TokenCache(model.vocabulary.encode)
        self._is_over: Callable[[], bool] = lambda: False
        self._caches = Caches(
            model,
            n_context=n_context,
            n_slots=n_slots,
            threads=threads or Threads((n_threads,)),
            kernel=kernel,
            should_abort=lambda: self._is_over(),
        )
        self._slot = Slot(0)
        self._unread: list[int] = []
        self._was_shortened = False
        self._n_reserved = n_reserved
        self._clock = time.perf_counter
        self._infill = InfillSampler(model.vocabulary)
        self._economy = DraftPolicy()
        self._decoder = Decoder(self._caches, self._vocabulary, self._economy, drafts)
        self.speed: Speed | None = None
        self.mix = Mix()

    @property
    def n_context(self) -> int:
        return self._caches.context.n_context

    def generate(
        self, prompt: Prompt, limits: Limits, is_cancelled: Callable[[], bool]
    ) -> Iterator[Piece]:
        """Yield greedy text for `prompt`; the last piece says why it ended.

        Raises NoNumbers when the model computes no usable logits.
        """
        started = self._begin(limits, is_cancelled)
        fitted = self._fitted(prompt, limits)
        tokens = self._take(prompt, fitted)
        usage = Usage(len(tokens), len(tokens) - len(self._slot.tokens))
        ended: FinishReason | None = None
        line = FirstLine()
        if not self._prefill(tokens):
            ended = "cancelled"
            # After a cancel, the next request has another prompt.
            self._unread = [] if is_cancelled() else fitted.whole
        else:
            self._unread = fitted.whole if self._was_shortened else []
            for step in self._decoder.steps(
                self._slot,
                prompt.held_back,
                self._is_last(prompt),
                self._choose(limits),
                self._n_most(limits, tokens),
                self._is_over,
                self._elsewhere(prompt, fitted),
            ):
                elapsed_ms = (self._clock() - started) * 1000
                usage = replace(
                    usage,
                    generated_tokens=usage.generated_tokens + 1,
                    first_token_ms=usage.first_token_ms or elapsed_ms,
                    total_ms=elapsed_ms,
                    log_probability=usage.log_probability + step.log_probability,
                )
                line.saw(step.text)
                if step.is_end:
                    ended = "stop"
                elif step.text:
                    yield Piece(step.text, usage)
        if ended != "stop" and self._is_over():
            ended = "cancelled" if is_cancelled() else "time"
        total_ms = (self._clock() - started) * 1000
        self.mix = self.mix.after(usage, line.n_tokens)
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
        """Return up to `n_wanted` different texts, the likeliest first.

        Their first lines are the likeliest that a beam search finds; unless
        `limits.one_line` is set, each goes on greedily.
        """
        self._begin(limits, is_cancelled)
        tokens = self._take(prompt, self._fitted(prompt, limits))
        if not self._prefill(tokens) or n_wanted < 1:
            return []
        held, is_last = prompt.held_back.encode(errors="replace"), self._is_last(prompt)
        try:
            root = self._caches.beams.read(
                tokens, self._caches.context, self._slot.sequence
            )
        except TimeoutError:
            return []
        except OutOfMemory as exc:
            logger.warning("%s", exc)
            return []
        n_most = self._n_most(limits, tokens)
        found = self._caches.beams.lines(root, held, is_last, n_wanted, n_most)
        if not limits.one_line:
            found = self._caches.beams.go_on(found, is_last, n_most)
        return [self._candidate(beam, limits) for beam in found]

    def score(
        self,
        prompt: Prompt,
        texts: Sequence[str],
        limits: Limits,
        is_cancelled: Callable[[], bool],
    ) -> list[Score]:
        """Return how likely each text is to follow the prompt and its held-back text.

        Raises EngineError when there is not enough time.
        """
        self._begin(limits, is_cancelled)
        rows = [self._vocabulary.encode(prompt.held_back + text) for text in texts]
        n_longest = max(map(len, rows), default=0)
        limits = replace(limits, max_tokens=n_longest)
        tokens = self._take(prompt, self._fitted(prompt, limits))
        if not self._prefill(tokens):
            raise EngineError("the texts were not scored in time")
        logits = self._caches.context.logits()
        first = logits - log_sum_exp(logits)
        scores = []
        for row in rows:
            self._caches.slots.cut(self._slot, len(tokens))
            total = float(first[row[0]]) + self._rest(row) if row else 0.0
            scores.append(Score(total, len(row)))
        return scores

    def count_tokens(
        self, texts: Sequence[str], is_cancelled: Callable[[], bool]
    ) -> list[int]:
        """Return the number of tokens of each text; fewer after a cancel."""
        return [len(self._texts.encode(text)) for text in texts if not is_cancelled()]

    def read_on(self, is_wanted: Callable[[], bool]) -> None:
        """Evaluate what the last prompt had no time for, until something is wanted.

        The next request most likely has nearly the same prompt.
        """
        if self._unread:
            self._is_over = is_wanted
            spared = self._slot if self._was_shortened else None
            self._slot = self._caches.slots.take(
                self._unread, spared, self._slot.prompt
            )
            self._prefill(self._unread)
            self._unread = []

    def adopt(self, kernel: Kernel) -> None:
        """Compute attention in another way; `read_on` then reads the last prompt again."""
        last = self._caches.slots.latest(lambda slot: bool(slot.tokens))
        unread = self._unread or list(last.tokens)
        self._caches.adopt(kernel)
        self._slot, self._unread, self._was_shortened = Slot(0), unread, False

    def forget(self) -> None:
        """Empty all KV caches, after an error that may have left them inconsistent."""
        self._caches.slots.forget_all()

    def _begin(self, limits: Limits, is_cancelled: Callable[[], bool]) -> float:
        started = self._clock()
        deadline = started + limits.time_budget_ms / 1000
        self._is_over = lambda: is_cancelled() or self._clock() >= deadline
        return started

    def _fitted(self, prompt: Prompt, limits: Limits) -> Fitted:
        vocabulary = self._vocabulary
        parts = parts_of(
            prompt, self._texts.encode, vocabulary.control, vocabulary.beginning
        )
        n_answer = max(limits.max_tokens, self._n_reserved)
        budget = prompt_budget(self.n_context, n_answer)
        affordable = n_affordable(limits, self.speed, self.mix.n_line)
        return fit(parts, budget, self._caches.slots.caches, affordable)

    def _n_most(self, limits: Limits, tokens: Sequence[int]) -> int:
        return min(limits.max_tokens, self.n_context - len(tokens))

    def _take(self, prompt: Prompt, fitted: Fitted) -> list[int]:
        """Choose the slot and return the tokens to evaluate; never none."""
        # There are no logits without a token: an empty prompt becomes a line break.
        tokens = fitted.tokens or [self._vocabulary.encode("\n")[-1]]
        self._slot = self._caches.slots.take(tokens, prompt=prompt)
        self._unread = []
        self._was_shortened = fitted.tokens != fitted.whole
        return tokens

    def _elsewhere(self, prompt: Prompt, fitted: Fitted) -> list[int]:
        """Return tokens of the document and of other files that did not fit."""
        left_out = fitted.whole if self._was_shortened else []
        return self._texts.encode(prompt.beyond) + left_out

    def _is_last(self, prompt: Prompt) -> Callable[[int], bool]:
        # A stop that the vocabulary lacks is None, which equals no token.
        stops = {self._vocabulary.control(token) for token in prompt.stops}
        return lambda token: token in stops or self._vocabulary.is_end(token)

    def _choose(self, limits: Limits) -> Choose:
        return self._infill if limits.stops_when_unsure else likeliest

    def _prefill(self, tokens: list[int]) -> bool:
        """Evaluate the tokens that are not cached; False when stopped on the way."""
        size = n_per_batch(N_BATCH, self.speed)
        return self._caches.slots.read(self._slot, tokens, size, self._is_over)

    def _candidate(self, beam: Beam, limits: Limits) -> Candidate:
        spelled = beam.line if limits.one_line else beam.spelled
        text = spelled.decode(errors="replace")
        ended: FinishReason = "time" if self._is_over() else "length"
        if beam.is_finished or limits.one_line:
            ended = "stop"
        return Candidate(text, beam.log_probability, ended)

    def _rest(self, row: Sequence[int]) -> float:
        """Return the log-probability of all tokens of a text but the first."""
        total = 0.0
        for start in range(0, len(row) - 1, N_BATCH):
            batch = row[start : start + N_BATCH]
            if not self._caches.slots.extend(self._slot, batch, n_logits=len(batch)):
                raise EngineError("the texts were not scored in time")
            for i, token in enumerate(row[start + 1 : start + 1 + len(batch)]):
                logits = self._caches.context.logits(i)
                total += float(logits[token]) - log_sum_exp(logits)
        return total
