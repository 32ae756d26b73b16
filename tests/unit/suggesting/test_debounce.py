"""Cheap requests are sent early, expensive ones wait for a pause."""

from __future__ import annotations

from pathlib import Path

from starcoder_lsp.engines import Speed
from starcoder_lsp.flow import Cursor, Usage
from starcoder_lsp.suggesting.battery import Power, is_on_battery
from starcoder_lsp.suggesting.cost import CostEstimator
from starcoder_lsp.suggesting.debounce import (
    FIRST_GUESS_S,
    LONGEST_WAIT_S,
    Debouncer,
)

WORD = Cursor.marked("ret█ x")
BRACKET = Cursor.marked("print(█")


def typed(*gaps_s: float) -> Debouncer:
    debouncer, now_s = Debouncer(), 0.0
    debouncer.note_key(now_s)
    for gap_s in gaps_s:
        now_s += gap_s
        debouncer.note_key(now_s)
    return debouncer


def wait(
    debouncer: Debouncer, cursor: Cursor, cost_s: float, *, battery: bool = False
) -> float:
    return debouncer.delay_s(cursor, cost_s, 0.01, on_battery=battery)


def test_long_gaps_do_not_count_as_typing() -> None:
    assert typed().gap_s == FIRST_GUESS_S
    assert round(typed(0.1, 5.0, 0.2).gap_s, 3) == 0.15


def test_a_request_without_cost_waits_only_the_least_delay() -> None:
    assert wait(typed(0.2, 0.2), WORD, 0.0) == 0.01


def test_an_expensive_request_waits_for_the_next_key_but_not_for_ever() -> None:
    debouncer = typed(0.2, 0.2)
    assert wait(debouncer, WORD, 5.0) > debouncer.gap_s
    assert wait(debouncer, WORD, 5.0, battery=True) > wait(debouncer, WORD, 5.0)
    assert wait(typed(*[0.4] * 9), WORD, 99.0, battery=True) == LONGEST_WAIT_S


def test_the_delay_is_never_shorter_than_the_users_setting() -> None:
    assert typed().delay_s(BRACKET, 0.0, 2.0, on_battery=False) == 2.0


def test_inside_a_word_it_waits_longer_than_after_a_bracket() -> None:
    debouncer = typed(0.2, 0.2)
    assert wait(debouncer, WORD, 1.0) > wait(debouncer, BRACKET, 1.0)


def test_the_cost_of_requests_is_learned_from_answers() -> None:
    costs = CostEstimator()
    before = costs.cost_s(3500, None)
    for _ in range(20):
        costs.learn(Usage(1000, 1000, 11, first_token_ms=10_000, total_ms=20_000))
    assert costs.cost_s(3500, None) > before
    assert costs.cost_s(35, None) < costs.cost_s(3500, None)
    assert costs.cost_s(3500, Speed(10_000, 100)) < before


def supply(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir(parents=True)
    for file, text in files.items():
        (folder / name / file).write_text(text + "\n")


def test_a_battery_counts_while_it_discharges(tmp_path: Path) -> None:
    assert not is_on_battery(tmp_path / "absent")
    supply(tmp_path, "mouse", type="Battery", scope="Device", status="Discharging")
    assert not is_on_battery(tmp_path)
    supply(tmp_path, "BAT0", type="Battery", status="Discharging")
    assert is_on_battery(tmp_path)
    supply(tmp_path, "AC", type="Mains", online="1")
    assert not is_on_battery(tmp_path)


def test_the_state_of_the_battery_is_read_now_and_then() -> None:
    answers, now_s = [True, False], [100.0]
    power = Power(lambda: answers.pop(0), lambda: now_s[0])
    assert power.is_on_battery
    assert power.is_on_battery
    now_s[0] += 60
    assert not power.is_on_battery
