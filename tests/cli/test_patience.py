"""What a command reads and how long it takes: as much as there is, unless told otherwise."""

from __future__ import annotations

from starcoder_lsp.cli.complete import PATIENCE_MS, patient
from starcoder_lsp.cli.eval.infilling import USUALLY
from starcoder_lsp.settings.resolve import Layer, resolve


def test_a_command_has_time_to_read_everything() -> None:
    limits = patient(resolve([])).limits
    assert limits.time_budget_ms == limits.latency_target_ms == PATIENCE_MS


def test_what_the_user_sets_holds_for_commands_too() -> None:
    limits = patient(resolve([Layer("a file", {"latency_target_ms": 100})])).limits
    assert (limits.time_budget_ms, limits.latency_target_ms) == (PATIENCE_MS, 100)


def test_figures_do_not_depend_on_how_fast_a_machine_reads() -> None:
    limits = resolve([Layer("evaluation", USUALLY)]).settings.limits
    assert limits.latency_target_ms == 60_000
