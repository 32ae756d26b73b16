"""The contexts of a session: its slots, and the beam search once it is needed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property

from starcoder_lsp.engines.llama.decode.beams import BeamSearch
from starcoder_lsp.engines.llama.decode.slots import Slots
from starcoder_lsp.engines.llama.machine.capacity import N_BATCH
from starcoder_lsp.engines.llama.native.kernel import Kernel
from starcoder_lsp.engines.llama.native.library import (
    LlamaContext,
    LlamaModel,
    OutOfMemory,
)
from starcoder_lsp.engines.llama.native.threads import Threads

logger = logging.getLogger(__name__)


class Caches:
    """KV caches that are computed with one kernel; `adopt` begins again with another.

    llama.cpp calls `should_abort` between graph nodes. Raises OutOfMemory.
    """

    def __init__(
        self,
        model: LlamaModel,
        *,
        n_context: int,
        n_slots: int,
        threads: Threads,
        kernel: Kernel,
        should_abort: Callable[[], bool],
    ) -> None:
        self._model = model
        self._n_context, self._n_slots = n_context, n_slots
        self._should_abort = should_abort
        self.threads = threads
        self.kernel = kernel
        self._open(kernel)

    def _open(self, kernel: Kernel) -> None:
        self.context = self.another(kernel, self._n_context, self._n_slots)
        self.slots = Slots(self.context)
        self.kernel = kernel

    def another(self, kernel: Kernel, n_context: int, n_slots: int = 1) -> LlamaContext:
        """Return a new context of the same model; raises OutOfMemory."""
        return LlamaContext(
            self._model,
            n_context=n_context,
            n_sequences=n_slots,
            n_batch=N_BATCH,
            threads=self.threads,
            kernel=kernel,
            should_abort=self._should_abort,
        )

    @cached_property
    def beams(self) -> BeamSearch:
        """Made when it is first needed: it takes memory for one more prompt."""
        return BeamSearch(
            self._model, self._n_context, self.threads, self.kernel, self._should_abort
        )

    def adopt(self, kernel: Kernel) -> None:
        """Compute with another kernel; all caches are empty then."""
        if kernel == self.kernel:
            return
        if "beams" in self.__dict__:
            self.beams.free()
            del self.beams
        self.context.free()
        try:
            self._open(kernel)
        except OutOfMemory as exc:
            logger.warning("attention is not computed with %s: %s", kernel, exc)
            self._open(self.kernel)
