"""Measured speeds on machines of every kind, with a clock that is told what time it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.machine import speed
from starcoder_lsp.engines.llama.machine.kernels import Mix
from starcoder_lsp.engines.llama.native.kernel import FLASHING, PLAIN
from starcoder_lsp.engines.llama.process import speeds as saved
from starcoder_lsp.engines.llama.process.speeds import KnownSpeed, Speeds
from starcoder_lsp.flow import Usage


class Machine:
    """Takes a fixed time for each batch and for each token in it."""

    def __init__(self, batch_s: float, token_s: float, *, wanted_after: int = 999):
        self.now = 100.0
        self.n_evaluated = 0
        self._batch_s, self._token_s = batch_s, token_s
        self._wanted_after = wanted_after

    def clock(self) -> float:
        return self.now

    def evaluate(self, n_tokens: int, deadline: float) -> bool:
        if self.n_evaluated >= self._wanted_after:
            return False
        taken = self._batch_s + n_tokens * self._token_s
        is_done = self.now + taken < deadline
        self.now = self.now + taken if is_done else max(self.now, deadline)
        self.n_evaluated += n_tokens
        return is_done

    def speed(self) -> Speed | None:
        return speed.measure(self.evaluate, self.clock)


def test_both_speeds_are_measured() -> None:
    measured = Machine(batch_s=0.010, token_s=0.001).speed()
    assert measured is not None
    assert measured.decode_tokens_per_s == pytest.approx(1 / 0.011)
    assert measured.prefill_tokens_per_s == pytest.approx(128 / 0.138)


def test_a_moment_in_which_something_else_computes_does_not_count() -> None:
    machine = Machine(batch_s=0.0, token_s=0.001)
    undisturbed = machine.clock
    readings = iter(range(1000))

    def clock() -> float:
        # Every third look at the clock, a tenth of a second is gone.
        machine.now += 0.1 * (next(readings) % 3 == 2)
        return undisturbed()

    measured = speed.measure(machine.evaluate, clock)
    assert measured == Speed(pytest.approx(1000), pytest.approx(1000))  # type: ignore[arg-type]  # numbers to compare with


@pytest.mark.parametrize("token_s", [0.02, 0.2, 2.0, 20.0])
def test_a_slow_machine_is_measured_in_bounded_time(token_s: float) -> None:
    machine = Machine(batch_s=0.0, token_s=token_s)
    measured = machine.speed()
    assert measured is not None
    assert machine.now <= 100.0 + token_s + speed.BUDGET_S + 1e-6
    assert measured.prefill_tokens_per_s >= measured.decode_tokens_per_s
    # What did not finish in time is no faster than that.
    assert 0.3 / token_s < measured.decode_tokens_per_s < 20 / token_s


@pytest.mark.parametrize("n_tokens", [0, 1, 5, 20])
def test_what_is_wanted_meanwhile_ends_it(n_tokens: int) -> None:
    machine = Machine(0.01, 0.001, wanted_after=n_tokens)
    assert machine.speed() is None
    assert machine.n_evaluated <= n_tokens + 128


def test_how_fast_a_text_was_written_corrects_the_speed_at_depth() -> None:
    known = Speed(100.0, 50.0, 1e-5)
    wrote = Usage(
        2000, generated_tokens=11, first_token_ms=100, total_ms=100 + 10 * 160
    )
    corrected = speed.corrected(known, wrote)
    # Four times slower than 20 + 20 ms per token: half of the way in one step.
    assert corrected.decode_s(2000) == pytest.approx(0.080)
    assert corrected.decode_s(0) == pytest.approx(0.040)
    too_short = replace(wrote, generated_tokens=3)
    assert speed.corrected(known, too_short) is known


def test_a_quick_measurement_takes_no_longer_than_it_may() -> None:
    machine = Machine(batch_s=0.0, token_s=0.05)
    assert speed.measure(machine.evaluate, machine.clock, speed.QUICK) is not None
    assert machine.now <= 100.0 + 0.05 + speed.QUICK.budget_s + 1e-6


def test_a_request_that_tells_corrects_the_speed() -> None:
    known = Speed(100.0, 10.0)
    fast = Usage(evaluated_tokens=400, first_token_ms=1000)
    assert speed.corrected(known, fast) == Speed(pytest.approx(200.0), 10.0)  # type: ignore[arg-type]  # a number to compare with
    small_and_fast = Usage(evaluated_tokens=40, first_token_ms=100)
    assert speed.corrected(known, small_and_fast).prefill_tokens_per_s > 150
    alike = Usage(evaluated_tokens=110, first_token_ms=1000)
    short = Usage(evaluated_tokens=20, first_token_ms=1000)
    silent = Usage(evaluated_tokens=400)
    for usage in (alike, short, silent):
        assert speed.corrected(known, usage) is known


SLOW, FAST = (
    KnownSpeed(Speed(5.0, 1.0), is_sure=False),
    KnownSpeed(Speed(6.0, 2.0, 1e-6), True, {PLAIN: Speed(7.0, 3.0)}, Mix(1.0, 2.0)),
)


def test_a_speed_is_found_again_under_its_key(tmp_path: Path) -> None:
    speeds = Speeds(tmp_path / "engine" / "speeds.json")
    assert speeds.get("a") is None
    speeds.keep("a", SLOW)
    speeds.keep("b", FAST)
    assert Speeds(tmp_path / "engine" / "speeds.json").get("a") == SLOW
    assert speeds.get("b") == FAST
    assert speeds.get("c") is None
    assert (tmp_path / "engine").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "engine" / "speeds.json").stat().st_mode & 0o777 == 0o600


def test_the_latest_sure_speed_of_a_known_size_is_compared(tmp_path: Path) -> None:
    speeds = Speeds(tmp_path / "speeds.json")
    speeds.keep("without a size", FAST)
    assert speeds.latest() is None
    guess, sure = replace(SLOW, size_bytes=1), replace(FAST, size_bytes=2)
    speeds.keep("a", guess)
    assert speeds.latest() is None, "a guess may be wrong tenfold"
    speeds.keep("b", sure)
    speeds.keep("c", replace(guess, size_bytes=3))
    assert speeds.latest() == sure


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    speeds = Speeds(tmp_path / "speeds.json")
    for n in range(saved.MAX_ENTRIES + 5):
        speeds.keep(str(n), SLOW)
    assert speeds.get("4") is None
    assert speeds.get("5") is not None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "7", '{"a": 3}', '{"a": [6.0, 2.0, true]}',
     '{"a": {"speed": [1.0, 1.0, 0.0], "is_sure": true, "kernels": {}, "mix": [NaN]}}',
     '{"a": {"speed": [1.0, 1.0, 0.0], "is_sure": true, "kernels": {"x": 1}, "mix": []}}',
     '{"a": {"speed": [0.0, 1.0, 0.0], "is_sure": true, "kernels": {}, "mix": []}}', '{"a": {"x": 1}}', '{"a": [-1.0, 1.0, true]}',
     '{"a": ["x", 1.0, true]}', '{"a": [NaN, 1.0, true]}', '{"a": []}', "[" * 100_000],
)  # fmt: skip
def test_a_damaged_file_is_ignored_and_written_anew(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "speeds.json"
    path.write_text(content)
    speeds = Speeds(path)
    assert speeds.get("a") is None
    speeds.keep("b", FAST)
    assert speeds.get("b") == FAST
    assert json.loads(path.read_text()).keys() == {"b"}


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    speeds = Speeds(tmp_path / "taken" / "speeds.json")
    speeds.keep("a", SLOW)
    assert speeds.get("a") is None


def test_the_next_start_uses_the_kernel_that_suits_what_was_learned() -> None:
    assert SLOW.kernel(PLAIN) is PLAIN
    speeds = {PLAIN: Speed(800.0, 60.0, 2e-6), FLASHING: Speed(950.0, 66.0, 14e-6)}
    known = KnownSpeed(speeds[PLAIN], True, speeds, Mix(3000.0, 4.0, 200.0))
    assert known.kernel(PLAIN) is FLASHING
