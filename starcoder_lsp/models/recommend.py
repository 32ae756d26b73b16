"""Judges which models fit a machine, and how long each would take to suggest.

Generating a token reads the weights of the model once, so that the time of a token is in
proportion to their size; reading a prompt computes in the same proportion. The measured
speed of one model therefore gives an estimate for others. It is no more than that: the
formats of weights differ in speed, and so does a machine that computes other things.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from starcoder_lsp.models.registry import COMPLETION, Model

Fit = Literal["fits", "tight", "no"]

# The KV cache of the longest usual prompt, of two bytes for each value (f16), and the
# buffers of llama.cpp.
CACHE_TOKENS, VALUE_BYTES, BUFFER_BYTES = 4096, 2, 64 << 20
# The same as a share of the weights and at least, for a model of unknown shape. With few
# KV heads it is less (StarCoder2-3B 10 %), with as many as heads more (Code Llama 54 %).
CACHE_SHARE = 0.15
LEAST_CACHE_BYTES = 300_000_000
# The user's other programs need the rest of the free memory.
COMFORTABLE_SHARE = 0.6
# A prompt at first sight, the tokens that a keystroke changes with suffix first and with
# prefix first (a short suffix is read again), and the tokens of a line.
FIRST_TOKENS, SPM_TOKENS, PSM_TOKENS, LINE_TOKENS = 1000, 2, 170, 12
# Suggestions that take longer come when one has typed on; with less to read they are poor.
PATIENCE_MS = 1500
ENOUGH_TOKENS = 64
TIGHTNESS = {"fits": 0, "tight": 1, "no": 2}


@dataclass(frozen=True)
class Machine:
    """Free memory, and the speed of a model of `measured_bytes` (0 if none was measured).

    A prompt is shortened to what is read within `latency_target_ms`; 0 means never.
    """

    host_bytes: int
    device_bytes: int = 0
    measured_bytes: int = 0
    prefill_tokens_per_s: float = 0.0
    decode_tokens_per_s: float = 0.0
    latency_target_ms: int = 0


@dataclass(frozen=True)
class Need:
    """The memory that a model takes; an estimate while the shape of its cache is unknown."""

    n_bytes: int
    is_estimate: bool


@dataclass(frozen=True)
class Advice:
    """Rates a model on this machine; the last fields are None without a measured speed.

    `n_read` is how many tokens of the prompt the model reads at first sight.
    """

    model: Model
    fit: Fit
    need: Need
    on_gpu: bool
    first_ms: float | None = None
    typing_ms: float | None = None
    n_read: int | None = None

    @property
    def is_comfortable(self) -> bool:
        if self.typing_ms is None or self.n_read is None or self.fit != "fits":
            return False
        return self.typing_ms <= PATIENCE_MS and self.n_read >= ENOUGH_TOKENS


def advise(
    models: Iterable[Model], machine: Machine, reads_prefix_first: frozenset[str]
) -> list[Advice]:
    """Return advice for the models for completion, those that fit first, by size.

    `reads_prefix_first` are the names of the families whose prompts end with the suffix.
    """
    wanted = (one for one in models if one.kind == COMPLETION and one.source)
    advice = [of(model, machine, reads_prefix_first) for model in wanted]
    return sorted(
        advice, key=lambda one: (TIGHTNESS[one.fit], one.model.approximate_bytes)
    )


def best(advice: Iterable[Advice]) -> Advice | None:
    """Return the largest model that fits and answers while one types, if there is one."""
    comfortable = [
        one for one in advice if one.is_comfortable and not one.model.warnings
    ]
    return max(comfortable, key=lambda one: one.model.approximate_bytes, default=None)


def need_of(model: Model) -> Need:
    """Return the memory that a model takes: weights, one KV cache, buffers."""
    size = model.approximate_bytes
    if not model.kv_values:
        more = max(int(size * CACHE_SHARE), LEAST_CACHE_BYTES)
        return Need(size + more, is_estimate=True)
    n_tokens = min(CACHE_TOKENS, model.longest_prompt)
    cache_bytes = model.kv_values * VALUE_BYTES * n_tokens
    return Need(size + cache_bytes + BUFFER_BYTES, is_estimate=False)


def fit_of(model: Model, machine: Machine) -> Fit:
    """Return whether a model fits into the memory of the machine."""
    needed = need_of(model).n_bytes
    if (
        needed <= machine.device_bytes
        or needed <= machine.host_bytes * COMFORTABLE_SHARE
    ):
        return "fits"
    # Layers that do not fit onto a GPU stay in the host's memory.
    return "tight" if needed <= machine.host_bytes + machine.device_bytes else "no"


def of(model: Model, machine: Machine, reads_prefix_first: frozenset[str]) -> Advice:
    """Return advice for one model, as `advise` does."""
    need = need_of(model)
    on_gpu = need.n_bytes <= machine.device_bytes
    fit = fit_of(model, machine)
    if not machine.measured_bytes or not machine.decode_tokens_per_s or fit == "no":
        return Advice(model, fit, need, on_gpu)
    active = model.approximate_bytes * model.active_share
    slower = active / machine.measured_bytes
    prefill_ms = 1000 * slower / machine.prefill_tokens_per_s
    line_ms = LINE_TOKENS * 1000 * slower / machine.decode_tokens_per_s
    most = machine.latency_target_ms / prefill_ms or FIRST_TOKENS
    n_first = min(FIRST_TOKENS, most)
    n_typed = PSM_TOKENS if model.family in reads_prefix_first else SPM_TOKENS
    return Advice(
        model,
        fit,
        need,
        on_gpu,
        n_first * prefill_ms + line_ms,
        min(n_typed, most) * prefill_ms + line_ms,
        int(n_first),
    )
