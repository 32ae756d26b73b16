"""Binds the part of llama.cpp's C interface that we use to Python types.

Functions and constants are documented in llama.h. Only the engine's process imports this
module.
"""

from __future__ import annotations

import ctypes
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import llama_cpp as llama
import numpy as np
import numpy.typing as npt

from starcoder_lsp.engines.llama.native import load_failure
from starcoder_lsp.engines.llama.native.abort import AbortPolling
from starcoder_lsp.engines.llama.native.kernel import PLAIN, Kernel
from starcoder_lsp.engines.llama.native.parameters import (
    context_params,
    override_table,
)
from starcoder_lsp.engines.llama.native.threads import Threads
from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary
from starcoder_lsp.errors import ModelBroken

logger = logging.getLogger(__name__)

ABORTED = 2  # llama_decode's answer when the abort callback said so
LOG_ERROR = 4  # GGML_LOG_LEVEL_ERROR

# llama.cpp's last error messages, for our exceptions. Its log stays at DEBUG, because it
# reports each abort as an error.
_last_errors: deque[str] = deque(maxlen=4)


@llama.llama_log_callback  # type: ignore[untyped-decorator]  # a ctypes function type
def _log(level: int, text: bytes, _user_data: object) -> None:
    line = text.decode(errors="replace").strip()
    if line:
        logger.debug("%s", line)
    if level == LOG_ERROR and line:
        _last_errors.append(line)


class OutOfMemory(ModelBroken):
    """The model may still fit with a smaller context or fewer layers on the GPU."""


def set_up() -> None:
    """Prepare llama.cpp; before any other call, and once."""
    llama.llama_log_set(_log, ctypes.c_void_p(0))
    llama.llama_backend_init()


def supports_gpu() -> bool:
    return bool(llama.llama_supports_gpu_offload())


def build_description() -> str:
    """Return the version of llama.cpp and the instruction sets it was built for."""
    system = llama.llama_print_system_info().decode(errors="replace")
    return f"llama-cpp-python {llama.__version__} ({system.strip(' |')})"


def _explain(fallback: str) -> str:
    reasons = "; ".join(_last_errors)
    _last_errors.clear()
    return reasons or fallback


class LlamaModel:
    """A loaded GGUF file and its vocabulary.

    `on_progress` hears the share that is loaded, from 0 to 1. Raises ModelBroken when
    the file does not load, OutOfMemory when fewer layers on the GPU may help.
    """

    def __init__(
        self,
        path: Path,
        *,
        n_gpu_layers: int = 0,
        overrides: Mapping[str, int] | None = None,
        on_progress: Callable[[float], None] = lambda share: None,
        vocab_only: bool = False,
    ) -> None:
        params = llama.llama_model_default_params()
        params.n_gpu_layers = n_gpu_layers
        params.vocab_only = vocab_only
        if overrides:
            params.kv_overrides = override_table(overrides)

        def go_on(share: float, _user_data: object) -> bool:
            on_progress(share)
            return True

        progress = llama.llama_progress_callback(go_on)
        params.progress_callback = progress
        pointer = llama.llama_model_load_from_file(str(path).encode(), params)
        if not pointer:
            # With layers on a GPU, its memory is the most likely reason.
            kind = OutOfMemory if n_gpu_layers else ModelBroken
            raise kind(f"{path} {load_failure.meaning(_explain('no reason given'))}")
        self.pointer = pointer
        self.vocabulary = Vocabulary(llama.llama_model_get_vocab(pointer))

    def free(self) -> None:
        """Release the memory; not while the model computes."""
        llama.llama_model_free(self.pointer)

    @property
    def n_context_trained(self) -> int:
        return int(llama.llama_model_n_ctx_train(self.pointer))

    @property
    def keeps_state(self) -> bool:
        """True if layers keep a state that cannot be cut back to an earlier token."""
        is_recurrent = llama.llama_model_is_recurrent(self.pointer)
        return bool(is_recurrent or llama.llama_model_is_hybrid(self.pointer))

    @property
    def is_decoder(self) -> bool:
        return bool(llama.llama_model_has_decoder(self.pointer))


# The sequence, the position in it, and a token.
Row = tuple[int, int, int]


class LlamaContext:
    """The KV caches of several sequences, and the calls that fill, cut and copy them."""

    def __init__(
        self,
        model: LlamaModel,
        *,
        n_context: int,
        n_sequences: int,
        n_batch: int,
        threads: Threads,
        kernel: Kernel = PLAIN,
        is_shared: bool = False,
        should_abort: Callable[[], bool],
    ) -> None:
        """Allocate the caches; raises OutOfMemory.

        `n_context` is the tokens of each sequence or, if `is_shared`, of all together.
        Unless shared, attention reads no cells of other sequences; if shared, copying a
        sequence costs nothing. llama.cpp calls `should_abort` between graph nodes, but
        not while it computes a single fast token.
        """
        self._threads, self._n_threads = threads, threads.n_for(1)
        params = context_params(
            n_context * (1 if is_shared else n_sequences),
            n_sequences,
            n_batch,
            self._n_threads,
            kernel,
        )
        params.kv_unified = is_shared
        pointer = llama.llama_init_from_model(model.pointer, params)
        if not pointer:
            raise OutOfMemory(
                "not enough memory for a context of "
                f"{n_sequences} times {n_context} tokens ({_explain('llama.cpp gave no reason')}); "
                "lower max_prompt_tokens or choose a smaller model"
            )
        self._pointer = pointer
        self._memory = llama.llama_get_memory(pointer)
        self._n_vocabulary = model.vocabulary.n_tokens
        self.n_context = int(llama.llama_n_ctx_seq(pointer))
        self.n_sequences = n_sequences
        self.n_batch = n_batch
        self._batch = llama.llama_batch_init(n_batch, 0, 1)
        self._abort = AbortPolling(pointer, should_abort)

    def free(self) -> None:
        """Release the memory; not while the model computes, and nothing after it."""
        llama.llama_free(self._pointer)
        llama.llama_batch_free(self._batch)

    def keep(self, sequence: int, n_tokens: int) -> bool:
        """Keep the first `n_tokens` only; False when the model cannot do that."""
        return bool(llama.llama_memory_seq_rm(self._memory, sequence, n_tokens, -1))

    def copy(self, source: int, target: int) -> None:
        """Copy the cache of the sequence `source` to `target`."""
        llama.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def state_bytes(self, sequence: int) -> int:
        return int(llama.llama_state_seq_get_size(self._pointer, sequence))

    def state(self, sequence: int) -> bytearray:
        """Return the cache of a sequence, for `restore` in another process."""
        state = bytearray(self.state_bytes(sequence))
        cells = (ctypes.c_uint8 * len(state)).from_buffer(state)
        n_bytes = llama.llama_state_seq_get_data(
            self._pointer, cells, len(state), sequence
        )
        del cells  # the array cannot be shortened while this exists
        del state[n_bytes:]
        return state

    def restore(self, sequence: int, state: memoryview) -> bool:
        """Fill a sequence; False when it does not fit.

        A damaged state may end the process.
        """
        cells = np.frombuffer(state, np.uint8)
        start = cells.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        return bool(
            llama.llama_state_seq_set_data(self._pointer, start, cells.size, sequence)
        )

    def clear(self) -> None:
        llama.llama_memory_clear(self._memory, True)

    def take_over(self, source: LlamaContext, sequence: int, n_tokens: int) -> bool:
        """Copy the first `n_tokens` of a sequence of `source` to sequence 0.

        For a context of shared cells; False when the caches are of different kinds.
        """
        state = source.state_of(sequence)
        if state is None or n_tokens < 1:
            return False
        buffer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        n_read = llama.llama_state_seq_set_data(self._pointer, buffer, len(state), 0)
        if n_read != len(state):
            self.clear()
            return False
        return self.keep(0, n_tokens)

    def state_of(self, sequence: int) -> bytearray | None:
        """Return a sequence's cache in the form that a context of shared cells reads.

        llama.cpp writes the number of streams, then each stream; a stream without cells
        of the sequence is four bytes of zero (llama_kv_cache::state_write). None when
        the cache is not of that form.
        """
        size = int(llama.llama_state_seq_get_size(self._pointer, sequence))
        state = bytearray(size)
        buffer = (ctypes.c_uint8 * size).from_buffer(state)
        llama.llama_state_seq_get_data(self._pointer, buffer, size, sequence)
        del buffer
        before, after = 4 * sequence, 4 * (self.n_sequences - 1 - sequence)
        others = state[4 : 4 + before] + state[size - after :]
        if state[:4] != self.n_sequences.to_bytes(4, sys.byteorder) or any(others):
            return None
        one_stream = (1).to_bytes(4, sys.byteorder)
        return bytearray(one_stream) + state[4 + before : size - after]

    def evaluate(self, rows: Sequence[Row], n_logits: int = 1) -> bool:
        """Evaluate up to `n_batch` tokens; False when it was aborted.

        The last `n_logits` of them get logits. Raises RuntimeError when llama.cpp fails;
        the caches are then undefined.
        """
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, (sequence, position, token) in enumerate(rows):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = i >= len(rows) - n_logits
        self._use_threads(self._threads.n_for(len(rows)))
        self._abort.prepare(len(rows))
        started = time.perf_counter()
        answer = llama.llama_decode(self._pointer, batch)
        if answer == ABORTED:
            _last_errors.clear()
            return False
        if answer != 0:
            raise RuntimeError(f"llama_decode answered {answer}: {_explain('')}")
        taken = time.perf_counter() - started
        self._threads.saw(len(rows), taken)
        self._abort.saw(len(rows), taken)
        return True

    def _use_threads(self, n_threads: int) -> None:
        if n_threads != self._n_threads:
            self._n_threads = n_threads
            llama.llama_set_n_threads(self._pointer, n_threads, n_threads)

    def logits(self, row: int = -1) -> npt.NDArray[np.float32]:
        """Return the logits after one of the last rows, shape (n_vocabulary,).

        The array is llama.cpp's own and changes with the next call of `evaluate`.
        """
        pointer = llama.llama_get_logits_ith(self._pointer, row)
        return np.ctypeslib.as_array(pointer, shape=(self._n_vocabulary,))
