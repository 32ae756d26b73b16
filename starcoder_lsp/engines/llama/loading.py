"""From a GGUF file to a session, with a message for what is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from starcoder_lsp.engines.llama import library, machine
from starcoder_lsp.engines.llama.library import Model
from starcoder_lsp.engines.llama.session import N_SLOTS, Session
from starcoder_lsp.engines.llama.wire import Load
from starcoder_lsp.errors import ModelBroken

logger = logging.getLogger(__name__)


def open_session(
    load: Load, context_bytes: int, on_progress: Callable[[float], None]
) -> Session:
    """Load the model; raises ModelBroken when it is not what `load` expects.

    `context_bytes` is what the KV cache of one context takes.
    """
    library.set_up()
    model = library.Model(
        Path(load.path),
        n_gpu_layers=load.n_gpu_layers,
        overrides=load.overrides,
        on_progress=on_progress,
    )
    _check(model, load)
    if load.heals:
        model.vocabulary.warm()
    try:
        return _session(model, load, machine.n_slots_that_fit(N_SLOTS, context_bytes))
    except ModelBroken as exc:
        logger.warning("%s; keeping the cache of one document only", exc)
        return _session(model, load, 1)


def _check(model: Model, load: Load) -> None:
    if not model.is_decoder:
        raise ModelBroken(f"{load.path} writes no text: it is an embedding model")
    for token in load.controls:
        if model.vocabulary.control(token) is None:
            raise ModelBroken(
                f"{load.path} has no token {token}, which models of the family "
                f"{load.family!r} have: it is another model than its name says"
            )


def _session(model: Model, load: Load, n_slots: int) -> Session:
    return Session(
        model,
        n_context=min(load.n_context, model.n_context_trained),
        n_threads=load.n_threads or machine.n_cores(),
        n_slots=n_slots,
    )
