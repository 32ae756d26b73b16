"""Turns our choices into the parameters of llama.cpp's C interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import llama_cpp as llama

from starcoder_lsp.engines.llama.native.kernel import Kernel

KV_INT = 0  # LLAMA_KV_OVERRIDE_TYPE_INT
# The package names no constant for bf16 (GGML_TYPE_BF16 in ggml.h).
KV_TYPES = {"f16": llama.GGML_TYPE_F16, "q8_0": llama.GGML_TYPE_Q8_0, "bf16": 30}
FLASH_TYPES = {
    None: llama.LLAMA_FLASH_ATTN_TYPE_AUTO,
    False: llama.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    True: llama.LLAMA_FLASH_ATTN_TYPE_ENABLED,
}


def context_params(
    n_cells: int, n_sequences: int, n_batch: int, n_threads: int, kernel: Kernel
) -> Any:
    """Return the parameters of a context with `n_cells` for all sequences together."""
    params = llama.llama_context_default_params()
    params.n_ctx = n_cells
    params.n_seq_max = n_sequences
    params.n_batch = params.n_ubatch = n_batch
    params.n_threads = params.n_threads_batch = n_threads
    params.type_k, params.type_v = KV_TYPES[kernel.keys], KV_TYPES[kernel.values]
    params.flash_attn_type = FLASH_TYPES[kernel.flash]
    params.no_perf = True
    return params


def override_table(overrides: Mapping[str, int]) -> Any:
    """Return entries of a model's header in the form that llama.cpp reads."""
    table = (llama.llama_model_kv_override * (len(overrides) + 1))()
    for row, (key, value) in zip(table, overrides.items(), strict=False):
        row.tag, row.key, row.value.val_i64 = KV_INT, key.encode(), value
    return table  # a row with an empty key ends it
