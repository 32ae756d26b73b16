"""Says whether a model fits into the memory that is free, for the question before a download."""

from __future__ import annotations

from starcoder_lsp.engines.llama.machine import hardware
from starcoder_lsp.models import recommend
from starcoder_lsp.models.recommend import Machine
from starcoder_lsp.models.registry import Model

JUDGEMENTS = {
    "fits": "it fits",
    "tight": "that is tight",
    "no": "it does not fit, unless a GPU holds it",
}


def fit_sentence(model: Model) -> str:
    """Return a sentence about a model and the memory; empty where that is unknown."""
    if (free := hardware.available_memory_bytes()) is None:
        return ""
    need = recommend.need_of(model)
    judgement = JUDGEMENTS[recommend.fit_of(model, Machine(free))]
    return (
        f"It takes about {need.n_bytes / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free: "
        f"{judgement}."
    )
