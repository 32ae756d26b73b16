"""Numbers of threads on machines that become busy and idle again."""

from __future__ import annotations

import pytest

from starcoder_lsp.engines.llama.native.threads import ThreadChoice, Threads, choices

IDLE = {2: 0.004, 1: 0.005}
# Two threads wait for the core that another process has; one is hardly disturbed.
BUSY = {2: 0.060, 1: 0.007}


def run(choice: ThreadChoice, seconds: dict[int, float], n_batches: int) -> float:
    """Return the seconds that so many batches take."""
    total = 0.0
    for _ in range(n_batches):
        taken = seconds[choice.n_threads]
        choice.saw(taken)
        total += taken
    return total


def test_an_idle_machine_uses_all_cores() -> None:
    choice = ThreadChoice(choices(2))
    taken = run(choice, IDLE, 1000)
    assert choice.n_settled == 2
    assert taken < 1000 * IDLE[2] * 1.01


def test_a_machine_that_becomes_busy_computes_with_one_thread_after_a_few_tokens() -> (
    None
):
    choice = ThreadChoice(choices(2))
    run(choice, IDLE, 100)
    taken = run(choice, BUSY, 100)
    assert choice.n_settled == 1
    assert taken < 100 * BUSY[1] + 10 * BUSY[2]


def test_when_the_machine_is_idle_again_all_cores_compute_again() -> None:
    choice = ThreadChoice(choices(2))
    run(choice, BUSY, 400)
    run(choice, IDLE, 600)
    assert choice.n_settled == 2


def test_a_machine_busy_for_long_hardly_pays_for_trying() -> None:
    choice = ThreadChoice(choices(2))
    run(choice, BUSY, 100)
    assert run(choice, BUSY, 5000) < 5000 * BUSY[1] * 1.05


def test_a_prompt_that_becomes_longer_does_not_change_the_choice() -> None:
    choice = ThreadChoice(choices(2))
    run(choice, IDLE, 50)
    run(choice, {n: 4 * seconds for n, seconds in IDLE.items()}, 50)
    assert choice.n_settled == 2


@pytest.mark.parametrize("n_best", [16, 8, 1])
def test_the_fastest_of_several_numbers_is_found(n_best: int) -> None:
    choice = ThreadChoice(choices(16))
    run(choice, {n: 0.01 if n == n_best else 0.02 for n in (16, 8, 1)}, 300)
    assert choice.n_settled == n_best


def test_a_number_that_the_user_has_set_is_kept() -> None:
    choice = ThreadChoice((3,))
    run(choice, {3: 1.0}, 1)
    run(choice, {3: 9.0}, 100)
    assert choice.n_threads == 3


def test_reading_and_writing_have_numbers_of_their_own() -> None:
    threads = Threads((2, 1))
    for _ in range(100):
        threads.saw(1, 0.06 if threads.n_for(1) == 2 else 0.007)
        threads.saw(256, 0.3 if threads.n_for(256) == 2 else 0.5)
    assert (threads.decode.n_settled, threads.batch.n_settled) == (1, 2)
    # A draft is written with the number that is settled for single tokens.
    assert threads.n_for(5) == 1
