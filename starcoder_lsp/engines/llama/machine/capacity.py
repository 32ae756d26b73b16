"""Plans how a model is loaded: type of the KV cache, number of slots, layers on the GPU.

Arithmetic only; `hardware` and `devices` measure the memory that is free.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from starcoder_lsp.engines.llama.machine.gguf import Header
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.errors import ModelBroken

GIB = 1 << 30
# How many documents, or places in one, have a KV cache at the same time.
N_SLOTS = 3
# Small enough for an abort to lose little, large enough for full prefill speed.
N_BATCH = 256
# Bytes per value; q8_0 stores 32 values and their scale in 34 bytes (ggml-common.h).
KV_TYPES = {"f16": 2.0, "q8_0": 34 / 32}
Q8_BLOCK = 32
# llama.cpp's own buffers beside weights and caches, on the host and on the devices.
COMPUTE_BYTES = 64 << 20
DEVICE_COMPUTE_BYTES = 512 << 20
# Several slots may take this share of the free memory; the user's programs need some.
SHARE_OF_FREE = 0.5


@dataclass(frozen=True)
class Wish:
    """The settings' wishes; `n_gpu_layers` of None means as many as fit, -1 all."""

    n_context: int
    n_context_least: int
    n_slots: int = N_SLOTS
    kv_type: str = "auto"
    n_gpu_layers: int | None = None


@dataclass(frozen=True)
class Room:
    """Free memory; `host_bytes` is None when unknown, `device_bytes` 0 without a GPU."""

    host_bytes: int | None
    device_bytes: int = 0


@dataclass(frozen=True)
class Plan:
    """A way to load a model; `n_context` is of each slot, `notes` are warnings."""

    n_context: int
    n_slots: int
    kv_type: str
    n_gpu_layers: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSize:
    """The memory that a model takes, from the size of its file and from its header."""

    name: str
    size_bytes: int
    header: Header

    @property
    def n_layers(self) -> int:
        """The layers that a GPU may hold: every block, and the output."""
        return self.header.n_blocks + 1

    @property
    def layer_bytes(self) -> float:
        return self.size_bytes / self.n_layers

    def kv_bytes(self, plan: Plan) -> float:
        """The KV caches of all slots."""
        of_token = self.header.kv_values_per_token * KV_TYPES[plan.kv_type]
        return of_token * plan.n_context * plan.n_slots

    def host_bytes(self, plan: Plan) -> float:
        """Weights, caches and buffers in the host's memory."""
        share = 1 - min(plan.n_gpu_layers, self.n_layers) / self.n_layers
        return (self.size_bytes + self.kv_bytes(plan)) * share + COMPUTE_BYTES

    def layers_that_fit(self, plan: Plan, device_bytes: int) -> int:
        each = self.layer_bytes + self.kv_bytes(plan) / self.n_layers
        left = device_bytes - DEVICE_COMPUTE_BYTES
        return max(0, min(self.n_layers, int(left / max(each, 1))))


def wish_of(load: Load, header: Header) -> Wish:
    """Return what `load` asks for, with no longer context than the model's own."""
    n_context = min(load.n_context, header.n_context_trained or load.n_context)
    return Wish(
        n_context,
        min(load.n_context_least, n_context),
        kv_type=load.kv_type,
        n_gpu_layers=load.n_gpu_layers,
    )


def plan(model: ModelSize, wish: Wish, room: Room) -> Plan:
    """Return the best plan that fits; raises ModelBroken when none does.

    The best has all layers on the GPU; then come f16, q8_0, fewer slots, and last a
    shorter context.
    """
    choices = [_placed(model, choice, wish, room) for choice in _choices(model, wish)]
    whole = [choice for choice in choices if choice.n_gpu_layers >= model.n_layers]
    for choice in (*whole, *choices):
        if _fits(model, choice, room):
            return replace(choice, notes=tuple(_notes(choice, wish)))
    return _shortened(model, choices[-1], wish, room)


def retreats(first: Plan) -> Iterator[Plan]:
    """Yield plans to try one after the other, each smaller than the one before.

    Free memory is an estimate: the allocation may fail all the same.
    """
    yield first
    note = "not enough memory to load as planned"
    if first.n_slots > 1:
        yield replace(first, n_slots=1, notes=(*first.notes, f"{note}: one file kept"))
    n_layers = first.n_gpu_layers // 2
    while first.n_gpu_layers:
        said = f"{note}: {n_layers} layers on the GPU instead of {first.n_gpu_layers}"
        notes = (*first.notes, said)
        yield replace(first, n_slots=1, n_gpu_layers=n_layers, notes=notes)
        if n_layers == 0:
            return
        n_layers //= 2


def _choices(model: ModelSize, wish: Wish) -> Iterator[Plan]:
    kv_types = list(KV_TYPES) if wish.kv_type == "auto" else [wish.kv_type]
    if model.header.head_width % Q8_BLOCK:
        kv_types = ["f16"]
    for kv_type in kv_types:
        yield Plan(wish.n_context, wish.n_slots, kv_type)
    for n_slots in range(wish.n_slots - 1, 0, -1):
        yield Plan(wish.n_context, n_slots, kv_types[-1])


def _placed(model: ModelSize, choice: Plan, wish: Wish, room: Room) -> Plan:
    """Return `choice` with as many layers on the GPU as wished and possible."""
    if wish.n_gpu_layers is None:
        n_layers = model.layers_that_fit(choice, room.device_bytes)
    elif wish.n_gpu_layers < 0:
        n_layers = model.n_layers
    else:
        n_layers = min(wish.n_gpu_layers, model.n_layers)
    return replace(choice, n_gpu_layers=n_layers)


def _fits(model: ModelSize, choice: Plan, room: Room) -> bool:
    if room.host_bytes is None:
        return True
    left = room.host_bytes - model.host_bytes(replace(choice, n_slots=0))
    caches = model.host_bytes(choice) - model.host_bytes(replace(choice, n_slots=0))
    return caches <= left * (SHARE_OF_FREE if choice.n_slots > 1 else 1)


def _shortened(model: ModelSize, choice: Plan, wish: Wish, room: Room) -> Plan:
    """Return a plan with one slot, as long as fits."""
    assert room.host_bytes is not None  # otherwise everything fits
    left = room.host_bytes - model.host_bytes(replace(choice, n_slots=0))
    of_token = model.kv_bytes(replace(choice, n_context=1))
    n_tokens = int(left / max(of_token, 1))
    if n_tokens < wish.n_context_least:
        least = replace(choice, n_context=wish.n_context_least)
        raise ModelBroken(
            f"{model.name} needs {model.host_bytes(least) / GIB:.1f} GiB of memory and "
            f"{room.host_bytes / GIB:.1f} GiB are free: close something, choose a "
            "smaller model, or lower max_prompt_tokens"
        )
    shorter = replace(choice, n_context=min(n_tokens, wish.n_context))
    return replace(shorter, notes=tuple(_notes(shorter, wish)))


def _notes(choice: Plan, wish: Wish) -> Iterator[str]:
    if choice.n_context < wish.n_context:
        yield (
            f"memory holds a context of {choice.n_context} tokens instead of "
            f"{wish.n_context}; lower max_prompt_tokens, or choose a smaller model"
        )
    if wish.kv_type not in ("auto", choice.kv_type):
        yield f"this model's KV cache cannot be {wish.kv_type}; it is {choice.kv_type}"
