"""Binds llama.cpp's sampler for infilling."""

from __future__ import annotations

import ctypes

import llama_cpp as llama
import numpy as np
import numpy.typing as npt

from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary


class InfillSampler:
    """Chooses the likeliest token that llama.cpp's infill sampler leaves.

    Where no token is likely that sampler leaves only an end token, so that the model
    ends the text instead of guessing.
    """

    # As llama-server's /infill, which applies them before the infill sampler.
    TOP_K, TOP_P = 40, 0.9

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
