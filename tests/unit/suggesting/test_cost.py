"""The time that a request will take, from the engine's speed and what it has read."""

from __future__ import annotations

import pytest

from starcoder_lsp.engines import Speed
from starcoder_lsp.flow import Usage
from starcoder_lsp.suggesting.cost import FIRST_SPEED, CostEstimator


def test_a_request_costs_its_prefill_and_a_usual_suggestion() -> None:
    # 350 characters are 100 tokens; a usual suggestion has 12.
    assert CostEstimator().cost_s(350, Speed(100.0, 12.0)) == 2.0


def test_a_speed_of_nothing_costs_no_eternity() -> None:
    assert CostEstimator().cost_s(35, Speed(0.0, 0.0)) == 10 + 12


def test_writing_behind_a_long_prompt_costs_more() -> None:
    speed = Speed(100.0, 12.0, decode_s_per_depth=0.001)
    assert CostEstimator().cost_s(350, speed, n_characters=3500) == 2.0 + 12.0


def test_an_answer_moves_the_speed_towards_its_own() -> None:
    costs = CostEstimator()
    costs.learn(Usage(1000, 1000, 11, first_token_ms=10_000, total_ms=20_000))
    # 1000 tokens in 10 s instead of 200 a second, 10 in 10 s instead of 20 a second.
    assert costs.speed == Speed(pytest.approx(170.0), pytest.approx(14.3))  # type: ignore[arg-type]  # numbers to compare with


@pytest.mark.parametrize(
    ("n_evaluated", "first_token_ms", "is_measured"),
    [(4, 1.0, True), (3, 1.0, False), (4, 0.0, False), (1000, 0.0, False)],
)
def test_few_tokens_and_no_time_measure_no_speed(
    n_evaluated: int, first_token_ms: float, is_measured: bool
) -> None:
    costs = CostEstimator()
    costs.learn(Usage(n_evaluated, n_evaluated, 1, first_token_ms, first_token_ms))
    is_other = costs.speed.prefill_tokens_per_s != FIRST_SPEED.prefill_tokens_per_s
    assert is_other == is_measured
    assert costs.speed.decode_tokens_per_s == FIRST_SPEED.decode_tokens_per_s
