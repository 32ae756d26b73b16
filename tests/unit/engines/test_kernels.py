"""Kernels of attention on machines whose speeds are given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.machine import kernels
from starcoder_lsp.engines.llama.machine.kernels import Mix, candidates, fastest
from starcoder_lsp.engines.llama.native.kernel import (
    COMPACT,
    FLASHING,
    LIBRARYS_CHOICE,
    PLAIN,
    QUANTIZED,
    Kernel,
)
from starcoder_lsp.flow import Usage

# Without flash attention, depth costs less, and reading more.
SPEEDS = {PLAIN: Speed(800.0, 60.0, 2e-6), FLASHING: Speed(950.0, 66.0, 14e-6)}


def test_one_who_types_gets_the_kernel_that_writes_fast_at_depth() -> None:
    typing = Mix(n_read=3, n_written=12, depth=3000)
    assert fastest(SPEEDS, typing, FLASHING) == (PLAIN, SPEEDS[PLAIN])


def test_one_who_jumps_gets_the_kernel_that_reads_fast() -> None:
    jumping = Mix(n_read=3000, n_written=4, depth=200)
    assert fastest(SPEEDS, jumping, PLAIN)[0] == FLASHING


def test_a_small_difference_changes_nothing() -> None:
    speeds = {PLAIN: Speed(800.0, 60.0), FLASHING: Speed(820.0, 61.0)}
    assert fastest(speeds, Mix(), PLAIN)[0] == PLAIN
    assert fastest(speeds, Mix(), FLASHING)[0] == FLASHING


def test_the_mix_is_learned_from_requests() -> None:
    mix = Mix()
    for _ in range(200):
        mix = mix.after(Usage(2000, 100, 30), n_line=8)
    assert mix == Mix(*map(pytest.approx, (100, 30, 2000, 8), [None] * 4, [0.1] * 4))  # type: ignore[arg-type]  # numbers to compare with
    # A prompt that is only read is no suggestion.
    assert mix.after(Usage(500, 500, 0), n_line=0) == mix


@pytest.mark.parametrize(
    ("kv_type", "is_chosen", "head_width", "is_on_gpu", "expected"),
    [
        ("f16", False, 64, False, (PLAIN, FLASHING, COMPACT)),
        ("f16", True, 64, False, (PLAIN, FLASHING)),
        ("f16", False, 40, False, (PLAIN, FLASHING)),
        ("q8_0", False, 64, False, (QUANTIZED,)),
        # On a GPU never worse than llama.cpp's own choice, which is the usual one there.
        ("f16", False, 64, True, (LIBRARYS_CHOICE, PLAIN)),
    ],
)
def test_only_kernels_that_fit_are_compared(
    kv_type: str,
    is_chosen: bool,
    head_width: int,
    is_on_gpu: bool,
    expected: tuple[Kernel, ...],
) -> None:
    found = candidates(
        kv_type, is_chosen=is_chosen, head_width=head_width, is_on_gpu=is_on_gpu
    )
    assert found == expected


class Machine:
    """Takes the time that `SPEEDS` say, and sometimes longer."""

    def __init__(self, wanted_after: int = 1000) -> None:
        self.n_evaluated = 0
        self._wanted_after = wanted_after

    def evaluate(self, kernel: Kernel, n_tokens: int, depth: int) -> float | None:
        self.n_evaluated += 1
        if self.n_evaluated > self._wanted_after:
            return None
        speed = SPEEDS[kernel]
        disturbance = 0.5 if self.n_evaluated % 5 == 0 else 0.0
        if n_tokens == 1:
            return speed.decode_s(depth) + disturbance
        return n_tokens / speed.prefill_tokens_per_s


def test_both_kernels_are_measured_in_turn_and_disturbances_do_not_count() -> None:
    measured = kernels.measure((PLAIN, FLASHING), Machine().evaluate, SPEEDS[PLAIN])
    assert measured is not None
    for kernel, speed in SPEEDS.items():
        rounded = [round(number, 9) for number in vars(measured[kernel]).values()]
        assert rounded == pytest.approx(list(vars(speed).values()))


def test_a_request_ends_the_measurement() -> None:
    machine = Machine(wanted_after=3)
    assert kernels.measure((PLAIN, FLASHING), machine.evaluate, SPEEDS[PLAIN]) is None
    assert machine.n_evaluated == 4


def test_a_slow_machine_is_not_kept_busy_with_it() -> None:
    slow = replace(SPEEDS[PLAIN], prefill_tokens_per_s=22.0)
    machine = Machine()
    assert kernels.measure((PLAIN, FLASHING), machine.evaluate, slow) == {}
    assert machine.n_evaluated == 0
