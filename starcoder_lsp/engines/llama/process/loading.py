"""Makes a session of a GGUF file, or says what is wrong with the file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from starcoder_lsp.engines.llama.machine import capacity, gguf, hardware, kernels
from starcoder_lsp.engines.llama.machine.gguf import Header
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.engines.llama.native import devices, library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.engines.llama.native.threads import Threads, choices
from starcoder_lsp.engines.llama.process.persistent_session import PersistentSession
from starcoder_lsp.engines.llama.process.speeds import Speeds, key_of
from starcoder_lsp.errors import ModelBroken

logger = logging.getLogger(__name__)

CPU_ONLY = (
    "this build of llama.cpp computes on the CPU only; reinstall llama-cpp-python "
    "with the CMAKE_ARGS for your GPU (docs/getting-started.md)"
)
KEEPS_STATE = (
    "this model cannot go back to an earlier place of a text: each keystroke may read the "
    "whole prompt again; a model without recurrent layers answers sooner"
)
NO_DEVICE = (
    "llama.cpp sees no GPU: its driver is missing, or the GPU is hidden from this "
    "process; all layers stay on the CPU"
)


def open_session(
    load: Load, header: Header, on_progress: Callable[[float], None], speeds: Speeds
) -> tuple[PersistentSession, capacity.Plan]:
    """Load the model, cut to fit the memory.

    `on_progress` hears the share that is loaded, from 0 to 1. The kernel of attention is
    the one that `speeds` knows as the fastest. Raises ModelBroken when
    the model does not fit or is not what `load` expects.
    """
    library.set_up()
    planned = _plan(load, header)
    failure = ModelBroken(f"{load.path} does not fit into memory")
    for plan in capacity.retreats(planned):
        for note in plan.notes:
            logger.warning("%s", note)
        try:
            session, notes = _open(load, header, plan, on_progress, speeds)
            return session, replace(plan, notes=(*plan.notes, *notes))
        except library.OutOfMemory as exc:
            logger.warning("%s", exc)
            failure = exc
    raise failure


def _plan(load: Load, header: Header) -> capacity.Plan:
    path = Path(load.path)
    notes: tuple[str, ...] = ()
    found = devices.devices() if library.supports_gpu() else []
    if not found:
        if load.n_gpu_layers:
            notes = (NO_DEVICE if library.supports_gpu() else CPU_ONLY,)
        load = replace(load, n_gpu_layers=0)
    on_devices = sum(device.free_bytes for device in found)
    room = capacity.Room(hardware.available_memory_bytes(), on_devices)
    model = capacity.ModelSize(path.name, gguf.size_bytes(path), header)
    planned = capacity.plan(model, capacity.wish_of(load, header), room)
    return replace(planned, notes=(*notes, *planned.notes))


def _open(
    load: Load,
    header: Header,
    plan: capacity.Plan,
    on_progress: Callable[[float], None],
    speeds: Speeds,
) -> tuple[PersistentSession, tuple[str, ...]]:
    """Return a session of the model, and notes on the model for the user."""
    model = library.LlamaModel(
        Path(load.path),
        n_gpu_layers=plan.n_gpu_layers,
        overrides=load.overrides,
        on_progress=on_progress,
    )
    _check(model, load)
    if load.heals:
        model.vocabulary.warm()
    known = speeds.get(key_of(load, plan, library.build_description()))
    possible = kernels.candidates(
        plan.kv_type,
        is_chosen=load.kv_type != "auto",
        head_width=header.head_width,
        is_on_gpu=plan.n_gpu_layers > 0,
    )
    kernel = known.kernel(possible[0]) if known else possible[0]
    try:
        session = PersistentSession(
            model,
            n_context=plan.n_context,
            n_threads=load.n_threads or hardware.n_cores(),
            n_slots=plan.n_slots,
            kernel=kernel if kernel in possible else possible[0],
            threads=_threads(load, plan),
            n_reserved=load.n_reserved,
        )
    except library.OutOfMemory:
        model.free()
        raise
    session.kernels = possible
    return session, (KEEPS_STATE,) if model.keeps_state else ()


def _threads(load: Load, plan: capacity.Plan) -> Threads:
    """Return the choice of threads: on a CPU it follows what is observed."""
    if load.n_threads or plan.n_gpu_layers:
        return Threads((load.n_threads or hardware.n_cores(),))
    return Threads(choices(hardware.n_cores()))


def _check(model: LlamaModel, load: Load) -> None:
    if not model.is_decoder:
        raise ModelBroken(f"{load.path} generates no text: it is an embedding model")
    for token in load.controls:
        if model.vocabulary.control(token) is None:
            raise ModelBroken(
                f"{load.path} has no token {token}, which models of the family "
                f"{load.family!r} have: it is another model than its name says"
            )
