"""What this machine can carry."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from starcoder_lsp.engines.llama import machine
from starcoder_lsp.errors import ModelBroken


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(bytes(3_000_000))
    return path


def free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kilobytes: int) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal: 99999999 kB\nMemAvailable: {kilobytes} kB\n")
    monkeypatch.setattr(machine, "MEMINFO", meminfo)


def test_a_model_larger_than_the_free_memory_is_refused_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path
) -> None:
    free(monkeypatch, tmp_path, 1000)
    with pytest.raises(
        ModelBroken, match=r"model\.gguf needs .* choose a smaller model"
    ):
        machine.check_memory(model, 0, n_gpu_layers=0)


def test_a_model_that_fits_or_goes_to_the_gpu_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path
) -> None:
    free(monkeypatch, tmp_path, 4000)
    machine.check_memory(model, 0, n_gpu_layers=0)
    free(monkeypatch, tmp_path, 1000)
    machine.check_memory(model, 0, n_gpu_layers=-1)


def test_the_context_counts_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path
) -> None:
    free(monkeypatch, tmp_path, 4000)
    with pytest.raises(ModelBroken, match="a smaller model"):
        machine.check_memory(model, 2_000_000, n_gpu_layers=0)


@pytest.mark.parametrize(
    ("context_kilobytes", "n_slots"), [(0, 3), (100, 3), (500, 2), (1000, 1), (9999, 1)]
)
def test_as_many_contexts_are_kept_as_fit_into_half_of_what_is_free(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    context_kilobytes: int,
    n_slots: int,
) -> None:
    free(monkeypatch, tmp_path, 2000)
    assert machine.n_slots_that_fit(3, context_kilobytes * 1024) == n_slots


def test_where_the_system_tells_nothing_the_whole_memory_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "none")
    assert machine.available_memory_bytes() == machine.total_memory_bytes()


def test_there_is_a_core_to_compute_on() -> None:
    assert 1 <= machine.n_cores() <= (os.cpu_count() or 1)


def test_the_users_own_openmp_settings_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    machine.wait_politely()
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    machine.wait_politely()
    assert os.environ["GOMP_SPINCOUNT"] == machine.SPINS
