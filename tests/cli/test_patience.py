"""The time and the prompt of a command on any machine, and its progress."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncGenerator

import pytest

from starcoder_lsp.cli import pace
from starcoder_lsp.cli.complete import patient
from starcoder_lsp.cli.eval.infilling import USUALLY
from starcoder_lsp.cli.terminal import progress
from starcoder_lsp.cli.terminal.progress import ProgressLine
from starcoder_lsp.cli.terminal.show import advice
from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.prompt_fit import n_affordable
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import FinishReason, Limits, Piece, Prompt, Usage
from starcoder_lsp.settings.resolve import Layer, resolve

LIMITS = Limits(time_budget_ms=pace.TOTAL_MS)


def test_a_command_has_a_minute() -> None:
    assert patient(resolve([])).limits.time_budget_ms == 60_000


def test_the_users_settings_apply_to_commands_too() -> None:
    limits = patient(resolve([Layer("a file", {"time_budget_ms": 900})])).limits
    assert limits.time_budget_ms == 900


def test_most_of_the_time_is_left_for_generating() -> None:
    assert pace.PATIENT_MS <= pace.TOTAL_MS / 2
    short = pace.paced(Limits(time_budget_ms=1000), None, Speed(10.0, 1.0))
    assert short.latency_target_ms == 500


# Writes so fast that only reading takes time.
def reads(per_s: float) -> Speed:
    return Speed(per_s, 1e9)


@pytest.mark.parametrize(
    ("now_per_s", "known", "n_tokens"),
    [
        # As much as is read soon, also when it was never measured or cannot be.
        (2000.0, reads(2000.0), 1400),
        (900.0, reads(500.0), 630),
        (900.0, None, 618),
        (None, reads(2000.0), 1400),
        # A slower machine reads the least that is useful, if that takes seconds.
        (100.0, reads(100.0), 256),
        (100.0, reads(800.0), 256),
        (20.0, reads(20.0), 120),
        # So slow that not even the sample was read in time.
        (0.0, reads(200.0), 1),
    ],
)
def test_a_prompt_is_as_long_as_the_machine_reads_soon(
    now_per_s: float | None, known: Speed | None, n_tokens: float
) -> None:
    limits = pace.paced(LIMITS, now_per_s, known)
    affordable = n_affordable(limits, known or pace.UNMEASURED)
    assert affordable is not None
    assert affordable(256) == pytest.approx(n_tokens, abs=3)


def test_the_time_for_a_line_is_not_used_for_reading() -> None:
    writes_slowly = Speed(2000.0, decode_tokens_per_s=100.0, decode_s_per_depth=1e-5)
    affordable = n_affordable(Limits(latency_target_ms=500), writes_slowly, n_line=10)
    assert affordable is not None
    assert affordable(0) == pytest.approx(2000 * (0.5 - 0.1))
    assert affordable(1000) == pytest.approx(2000 * (0.5 - 0.2))
    # Where writing alone takes too long, the prompt does not become useless, too.
    assert affordable(100_000) == pytest.approx(2000 * 0.5 / 3)


class MeasuredEngine(ScriptedEngine):
    """Reads the sample as a usage says."""

    def __init__(self, usage: Usage) -> None:
        super().__init__([])
        self.usage = usage

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        assert limits.max_tokens == 0
        yield Piece("", self.usage)


@pytest.mark.parametrize(
    ("evaluated", "total_ms", "reason", "per_s"),
    [
        (30, 100.0, "length", 300.0),
        (30, 3000.0, "time", 0.0),
        (0, 0.0, "length", None),
    ],
)
async def test_the_current_speed_is_measured(
    evaluated: int, total_ms: float, reason: FinishReason, per_s: float | None
) -> None:
    usage = Usage(evaluated_tokens=evaluated, total_ms=total_ms, finish_reason=reason)
    assert await pace.speed_now(MeasuredEngine(usage)) == per_s


def test_measurements_do_not_depend_on_the_speed_of_the_machine() -> None:
    limits = resolve([Layer("evaluation", USUALLY)]).settings.limits
    assert limits.latency_target_ms == 60_000


def test_a_timeout_tells_the_user_what_helps() -> None:
    (reading,) = advice(Usage(total_ms=60_000, finish_reason="time"))
    assert "after 60 s, while reading the prompt" in reading
    (writing,) = advice(Usage(generated_tokens=3, finish_reason="time"))
    assert "while writing" in writing
    assert not [*advice(Usage(finish_reason="stop"))]


class Terminal(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


async def written(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> str:
    terminal = Terminal(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "SILENT_S", 0.0)
    monkeypatch.setattr(progress, "EVERY_S", 0.001)
    shown = ProgressLine("loading")
    async with shown.running():
        while is_terminal and "loading, 0 s" not in terminal.getvalue():
            await asyncio.sleep(0.001)
        shown.say("reading")
        while is_terminal and "reading, 0 s" not in terminal.getvalue():
            await asyncio.sleep(0.001)
    return terminal.getvalue()


async def test_a_terminal_shows_progress_and_then_clears_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = await written(monkeypatch, is_terminal=True)
    assert text.startswith(f"{progress.CLEAR_LINE}loading, 0 s")
    assert text.endswith(progress.CLEAR_LINE)


async def test_a_program_that_reads_stderr_sees_no_progress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await written(monkeypatch, is_terminal=False) == ""
