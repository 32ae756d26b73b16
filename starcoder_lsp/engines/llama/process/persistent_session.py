"""A session that measures its speed, and whose KV cache outlives its process."""

from __future__ import annotations

from collections.abc import Callable

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.decode.slots import Slot
from starcoder_lsp.engines.llama.machine import kernels, speed
from starcoder_lsp.engines.llama.machine.speed import Effort
from starcoder_lsp.engines.llama.native.kernel import Kernel
from starcoder_lsp.engines.llama.native.library import LlamaContext
from starcoder_lsp.engines.prompt_fit import parts_of
from starcoder_lsp.flow import Prompt

# Fewer tokens than this are evaluated faster than a file is read.
WORTH_SAVING = 64
# The cells of a context in which a kernel is measured.
N_PROBED = (kernels.N_BATCHES + 1) * kernels.N_BATCH
# A state has a part that does not shrink with its tokens.
SAFE_SHARE = 0.95


class PersistentSession(LlamaSession):
    """Also measures itself, and hands its KV cache over to the next process."""

    # The ways to compute attention that may be compared; set by whoever loads.
    kernels: tuple[Kernel, ...] = ()

    @property
    def kernel(self) -> Kernel:
        return self._caches.kernel

    def measure(
        self, is_wanted: Callable[[], bool], effort: Effort = speed.THOROUGH
    ) -> Speed | None:
        """Time batches; None when a request came, or the context has no room."""
        n_most = max(effort.prefills)
        tokens = self._sample(n_most)
        # The slot keeps its tokens: more are read after them and forgotten again.
        slots = self._caches.slots
        slot = slots.emptiest()
        n_held = len(slot.tokens)
        if n_held + n_most > self.n_context:
            return None

        def evaluate(n_tokens: int, deadline: float) -> bool:
            self._is_over = lambda: is_wanted() or self._clock() >= deadline
            if len(slot.tokens) + n_tokens > self.n_context:
                slots.cut(slot, n_held)
            return slots.extend(slot, tokens[:n_tokens])

        try:
            return speed.measure(evaluate, self._clock, effort)
        finally:
            slots.cut(slot, n_held)

    def measure_kernels(
        self, is_wanted: Callable[[], bool], known: Speed
    ) -> dict[Kernel, Speed] | None:
        """Time each of `kernels`; None when a request came.

        Contexts of their own are made for it, so that the caches stay. Raises
        OutOfMemory.
        """
        self._is_over = is_wanted
        contexts: dict[Kernel, LlamaContext] = {}
        tokens = self._sample(kernels.N_BATCH)

        def evaluate(kernel: Kernel, n_tokens: int, depth: int) -> float | None:
            context = contexts[kernel]
            context.keep(0, depth)
            rows = [(0, depth + i, token) for i, token in enumerate(tokens[:n_tokens])]
            started = self._clock()
            if not context.evaluate(rows):
                return None
            context.logits()  # a GPU computes in the background until then
            return self._clock() - started

        try:
            for kernel in self.kernels:
                contexts[kernel] = self._caches.another(kernel, N_PROBED)
            return kernels.measure(self.kernels, evaluate, known)
        finally:
            for context in contexts.values():
                context.free()

    def _sample(self, n_tokens: int) -> list[int]:
        return self._vocabulary.encode("x = 1\n" * n_tokens)

    def state(self, max_bytes: int) -> tuple[list[int], bytearray]:
        """Return the tokens of the last request and their KV cache in `max_bytes`.

        Tokens are cut off at the end, those of the cursor's line in any case; a
        suffix-first prompt begins with the context of the repository, so that this
        stays. A request that was stopped before it had read anything does not count as
        the last.
        """
        slot = self._caches.slots.latest(
            lambda slot: self._n_kept(slot) >= WORTH_SAVING
        )
        self._caches.slots.cut(slot, self._n_kept(slot))
        size = self._caches.context.state_bytes(slot.sequence)
        if size > max_bytes:
            self._caches.slots.cut(
                slot, int(len(slot.tokens) * max_bytes / size * SAFE_SHARE)
            )
        self._is_over = lambda: False
        self._caches.slots.settle(slot)
        return slot.tokens, self._caches.context.state(slot.sequence)

    def _n_kept(self, slot: Slot) -> int:
        """Return how many of a slot's tokens may outlive the process.

        The cursor's line up to the cursor is left out, with all that stands behind it in
        the prompt or was generated: the user may be typing a secret there that nothing
        recognises yet.
        """
        if slot.prompt is None:
            return len(slot.tokens)
        n_kept = slot.n_prompt - self._n_from_line(slot.prompt)
        return max(min(n_kept, len(slot.tokens)), 0)

    def _n_from_line(self, prompt: Prompt) -> int:
        """Return how many tokens a prompt has from the beginning of the cursor's line."""
        parts = parts_of(prompt, self._texts.encode, self._vocabulary.control)
        prefixes = [i for i, part in enumerate(parts) if part.cut == "start"]
        n_before = prefixes[-1] + 1 if prefixes else len(parts)
        n_tokens = sum(len(part.tokens) for part in parts[n_before:])
        before = [token for part in parts[:n_before] for token in part.tokens]
        for token in reversed(before):
            if b"\n" in self._vocabulary.bytes_of(token):
                break
            n_tokens += 1
        return n_tokens

    def restore(self, tokens: list[int], state: memoryview) -> bool:
        """Go on where `state` was taken; only before the first request.

        False when llama.cpp does not accept it.
        """
        slot = self._caches.slots.take(tokens)
        if not self._caches.context.restore(slot.sequence, state):
            self._caches.slots.cut(slot, 0)
            return False
        slot.tokens[:] = tokens
        return True
