"""Chooses the kernel of attention that is fastest for the user's requests here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.machine.capacity import Q8_BLOCK
from starcoder_lsp.engines.llama.native.kernel import (
    COMPACT,
    FLASHING,
    LIBRARYS_CHOICE,
    PLAIN,
    QUANTIZED,
    Kernel,
)
from starcoder_lsp.engines.prompt_fit import USUAL_LINE
from starcoder_lsp.flow import Usage

# Another kernel has to be so much faster, because measurements differ by some percent.
LEAST_GAIN = 1.05
# Batches of this many tokens are timed, and tokens behind several of them; on a slow
# machine smaller ones, of as many tokens as are read in a quarter of a second.
N_BATCH, N_BATCHES, STEP = 256, 5, 32
BATCH_S = 0.25
# Behind fewer tokens, what depth costs is lost in noise. It does not matter there either:
# on such a machine the weights take most of the time.
LEAST_DEPTH = 320
N_ROUNDS = 8
# The weight of the newest request in the moving averages.
NEWEST_SHARE = 0.05


@dataclass(frozen=True)
class Mix:
    """The work of a usual suggestion, in tokens.

    It reads `n_read` tokens that no KV cache has, and writes `n_written` tokens behind
    `depth` others, of which `n_line` are the first line.
    """

    n_read: float = 24.0
    n_written: float = 12.0
    depth: float = 1500.0
    n_line: float = USUAL_LINE

    def after(self, usage: Usage, n_line: int) -> Mix:
        """Return the mix with one more request, whose first line has `n_line` tokens."""
        if not usage.generated_tokens:
            return self
        return Mix(
            _moved(self.n_read, usage.evaluated_tokens),
            _moved(self.n_written, usage.generated_tokens),
            _moved(self.depth, usage.prompt_tokens),
            _moved(self.n_line, n_line),
        )


def _moved(average: float, newest: float) -> float:
    return average + NEWEST_SHARE * (newest - average)


def seconds(speed: Speed, mix: Mix) -> float:
    """Return how long a usual suggestion takes."""
    reading = mix.n_read / speed.prefill_tokens_per_s
    return reading + mix.n_written * speed.decode_s(mix.depth)


def fastest(
    speeds: Mapping[Kernel, Speed], mix: Mix, usual: Kernel
) -> tuple[Kernel, Speed]:
    """Return the kernel for `mix`; `usual` unless another is notably faster."""
    best = min(speeds, key=lambda one: seconds(speeds[one], mix))
    if usual in speeds:
        gain = seconds(speeds[usual], mix) / seconds(speeds[best], mix)
        best = best if gain >= LEAST_GAIN else usual
    return best, speeds[best]


def candidates(
    kv_type: str, *, is_chosen: bool, head_width: int, is_on_gpu: bool
) -> tuple[Kernel, ...]:
    """Return the kernels that a plan allows; the first is used until one is measured.

    `kv_type` is that of the plan, which has memory for it; `is_chosen` by the user.
    """
    if kv_type == "q8_0":
        return (QUANTIZED,)
    usual = (LIBRARYS_CHOICE, PLAIN) if is_on_gpu else (PLAIN, FLASHING)
    if is_chosen or is_on_gpu or head_width % Q8_BLOCK:
        return usual
    return (*usual, COMPACT)


# Evaluates a batch with a kernel, behind so many tokens; returns the seconds, or None
# when something else is wanted.
Evaluate = Callable[[Kernel, int, int], float | None]


def measure(
    kernels: tuple[Kernel, ...], evaluate: Evaluate, known: Speed
) -> dict[Kernel, Speed] | None:
    """Time reading and writing with each kernel in turn; None when it was stopped.

    `evaluate(kernel, n_tokens, depth)` reads or writes behind `depth` tokens. An empty
    answer: the machine is too slow for the differences to matter.
    """
    size = int(min(known.prefill_tokens_per_s * BATCH_S, N_BATCH)) // STEP * STEP
    depth = N_BATCHES * size
    if depth < LEAST_DEPTH:
        return {}
    reads: dict[Kernel, list[float]] = {one: [] for one in kernels}
    near: dict[Kernel, list[float]] = {one: [] for one in kernels}
    far: dict[Kernel, list[float]] = {one: [] for one in kernels}
    rounds = (
        *((near, 1, 0) for _ in range(N_ROUNDS)),
        *((reads, size, size * i) for i in range(N_BATCHES)),
        *((far, 1, depth) for _ in range(N_ROUNDS)),
    )
    for times, n_tokens, start in rounds:
        for kernel in kernels:
            taken = evaluate(kernel, n_tokens, start)
            if taken is None:
                return None
            times[kernel].append(taken)
    # The best of each: other processes can only make it slower.
    return {
        one: _speed(size / min(reads[one]), min(near[one]), min(far[one]), depth)
        for one in kernels
    }


def _speed(read_per_s: float, near_s: float, far_s: float, depth: int) -> Speed:
    return Speed(read_per_s, 1 / near_s, max(far_s - near_s, 0.0) / depth)
