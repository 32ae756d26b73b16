"""The part of llama.cpp's C interface we use, with Python types; nothing of ours.

With `vocabulary` the only module that imports `llama_cpp`; only the child imports it.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import llama_cpp as llama
import numpy as np
import numpy.typing as npt

from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary
from starcoder_lsp.errors import ModelBroken

logger = logging.getLogger(__name__)

KV_INT = 0  # LLAMA_KV_OVERRIDE_TYPE_INT
ABORTED = 2  # llama_decode's answer when the abort callback said so
LOG_ERROR = 4  # GGML_LOG_LEVEL_ERROR
KV_TYPES = {"f16": llama.GGML_TYPE_F16, "q8_0": llama.GGML_TYPE_Q8_0}

# What llama.cpp said of its last failure; each abort is one to it, so that its own
# log stays at DEBUG and the reason goes into our exceptions.
_last_errors: deque[str] = deque(maxlen=4)


@llama.llama_log_callback  # type: ignore[untyped-decorator]  # a ctypes function type
def _log(level: int, text: bytes, _user_data: object) -> None:
    line = text.decode(errors="replace").strip()
    if line:
        logger.debug("%s", line)
    if level == LOG_ERROR and line:
        _last_errors.append(line)


class OutOfMemory(ModelBroken):
    """Less of everything may still fit."""


def set_up() -> None:
    llama.llama_log_set(_log, ctypes.c_void_p(0))
    llama.llama_backend_init()


def supports_gpu() -> bool:
    return bool(llama.llama_supports_gpu_offload())


def build_description() -> str:
    """Version and what it was built for."""
    system = llama.llama_print_system_info().decode(errors="replace")
    return f"llama-cpp-python {llama.__version__} ({system.strip(' |')})"


def _explain(fallback: str) -> str:
    reasons = "; ".join(_last_errors)
    _last_errors.clear()
    return reasons or fallback


class Model:
    """A loaded GGUF file and its vocabulary."""

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
            params.kv_overrides = _override_table(overrides)

        def go_on(share: float, _user_data: object) -> bool:
            on_progress(share)
            return True

        progress = llama.llama_progress_callback(go_on)
        params.progress_callback = progress
        pointer = llama.llama_model_load_from_file(str(path).encode(), params)
        if not pointer:
            # With layers on a GPU it is most likely the GPU's memory.
            kind = OutOfMemory if n_gpu_layers else ModelBroken
            raise kind(f"{path} does not load: {_explain('no reason given')}")
        self.pointer = pointer
        self.vocabulary = Vocabulary(llama.llama_model_get_vocab(pointer))

    def free(self) -> None:
        """Give the memory back; not while anything is computed with it."""
        llama.llama_model_free(self.pointer)

    @property
    def n_context_trained(self) -> int:
        return int(llama.llama_model_n_ctx_train(self.pointer))

    @property
    def is_decoder(self) -> bool:
        return bool(llama.llama_model_has_decoder(self.pointer))


def _override_table(overrides: Mapping[str, int]) -> Any:
    table = (llama.llama_model_kv_override * (len(overrides) + 1))()
    for row, (key, value) in zip(table, overrides.items(), strict=False):
        row.tag, row.key, row.value.val_i64 = KV_INT, key.encode(), value
    return table  # the row with an empty key ends it


# A token at a position of a sequence.
Row = tuple[int, int, int]


class Context:
    """The KV caches of some sequences, and the calls that fill, cut and read them."""

    def __init__(
        self,
        model: Model,
        *,
        n_context: int,
        n_sequences: int,
        n_batch: int,
        n_threads: int,
        kv_type: str = "f16",
        is_shared: bool = False,
        should_abort: Callable[[], bool],
    ) -> None:
        """`n_context` tokens for each sequence or, `is_shared`, for all of them.

        Without sharing attention reads no other sequence's cells; with it, copying a
        sequence costs nothing.
        """
        params = llama.llama_context_default_params()
        params.n_ctx = n_context * (1 if is_shared else n_sequences)
        params.n_seq_max = n_sequences
        params.kv_unified = is_shared
        params.n_batch = params.n_ubatch = n_batch
        params.n_threads = params.n_threads_batch = n_threads
        params.type_k = params.type_v = KV_TYPES[kv_type]
        if kv_type != "f16":
            # Values can be quantized only where flash attention reads them.
            params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_ENABLED
        params.no_perf = True
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
        # The callback lives as long as the context: C keeps only its address.
        self._abort = llama.ggml_abort_callback(lambda _user_data: should_abort())
        llama.llama_set_abort_callback(pointer, self._abort, None)

    def keep(self, sequence: int, n_tokens: int) -> bool:
        """Forget all but the first `n_tokens`; False when the model cannot."""
        return bool(llama.llama_memory_seq_rm(self._memory, sequence, n_tokens, -1))

    def copy(self, source: int, target: int) -> None:
        """Make `target` hold what `source` holds."""
        llama.llama_memory_seq_cp(self._memory, source, target, -1, -1)

    def state_bytes(self, sequence: int) -> int:
        return int(llama.llama_state_seq_get_size(self._pointer, sequence))

    def state(self, sequence: int) -> bytearray:
        """What a sequence holds, for `restore` in another process."""
        state = bytearray(self.state_bytes(sequence))
        cells = (ctypes.c_uint8 * len(state)).from_buffer(state)
        n_bytes = llama.llama_state_seq_get_data(
            self._pointer, cells, len(state), sequence
        )
        del cells  # it keeps the array from being shortened
        del state[n_bytes:]
        return state

    def restore(self, sequence: int, state: memoryview) -> bool:
        """Fill a sequence; a state that is damaged may end the process."""
        cells = np.frombuffer(state, np.uint8)
        start = cells.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        return bool(
            llama.llama_state_seq_set_data(self._pointer, start, cells.size, sequence)
        )

    def clear(self) -> None:
        llama.llama_memory_clear(self._memory, True)

    def take_over(self, source: Context, sequence: int, n_tokens: int) -> bool:
        """Hold in sequence 0 what `source` holds of the first `n_tokens` of `sequence`.

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
        """A sequence's cache as a context of shared cells reads it.

        llama.cpp writes the number of streams, then each stream: four bytes of zero for
        those without cells of the sequence (llama_kv_cache::state_write). None when
        what it writes is not of that form.
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
        """Add up to `n_batch` tokens; False when it was aborted.

        The last `n_logits` of them get logits.
        """
        batch = self._batch
        batch.n_tokens = len(rows)
        for i, (sequence, position, token) in enumerate(rows):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = i >= len(rows) - n_logits
        answer = llama.llama_decode(self._pointer, batch)
        if answer == ABORTED:
            _last_errors.clear()
            return False
        if answer != 0:
            raise RuntimeError(f"llama_decode answered {answer}: {_explain('')}")
        return True

    def logits(self, row: int = -1) -> npt.NDArray[np.float32]:
        """Of one of the rows evaluated last; valid until the next call."""
        pointer = llama.llama_get_logits_ith(self._pointer, row)
        return np.ctypeslib.as_array(pointer, shape=(self._n_vocabulary,))


class InfillSampler:
    """llama.cpp's own for infilling: a model that is unsure ends instead of guessing.

    Of what it leaves the likeliest is taken.
    """

    TOP_K, TOP_P = 40, 0.9  # llama-server's, before the infill sampler

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._chain = llama.llama_sampler_chain_init(
            llama.llama_sampler_chain_default_params()
        )
        for sampler in (
            llama.llama_sampler_init_top_k(self.TOP_K),
            llama.llama_sampler_init_top_p(self.TOP_P, 1),
            llama.llama_sampler_init_infill(vocabulary.pointer),
        ):
            llama.llama_sampler_chain_add(self._chain, sampler)

    def __call__(self, logits: npt.NDArray[np.float32]) -> int:
        table = np.empty(len(logits), [("id", "i4"), ("logit", "f4"), ("p", "f4")])
        table["id"], table["logit"] = np.arange(len(logits)), logits
        rows = table.ctypes.data_as(ctypes.POINTER(llama.llama_token_data))
        left = llama.llama_token_data_array(rows, len(logits), -1, False)
        llama.llama_sampler_apply(self._chain, ctypes.byref(left))
        best = max((left.data[i] for i in range(left.size)), key=lambda row: row.p)
        return int(best.id)
