"""The sentence on memory and speed in the question before a download."""

from __future__ import annotations

import sys

import pytest

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.process.speeds import KnownSpeed, Speeds
from starcoder_lsp.models import registry
from starcoder_lsp.models.recommend import Machine
from starcoder_lsp.runtime.paths import cache_dir
from starcoder_lsp.settings import machine_fit

GB = 1_000_000_000
MODEL = registry.find("starcoder2-3b")


def test_the_sentence_names_memory_and_judgement() -> None:
    assert machine_fit.fit_sentence(MODEL, Machine(8 * GB)) == (
        "It takes 2.1 GB of memory, 8.0 GB are free: it fits."
    )
    assert "does not fit" in machine_fit.fit_sentence(MODEL, Machine(GB))


def test_the_memory_of_a_gpu_counts() -> None:
    sentence = machine_fit.fit_sentence(MODEL, Machine(GB, 8 * GB))
    assert sentence.endswith("and 8.0 GB on the GPU: the GPU holds it.")


def test_a_measured_speed_gives_times() -> None:
    machine = Machine(8 * GB, 0, int(1.9 * GB), 100.0, 10.0)
    sentence = machine_fit.fit_sentence(MODEL, machine)
    assert "about 11.2 s in a file that was just opened, and 1.2 s while" in sentence


async def test_a_child_knows_the_speed_that_was_measured_last() -> None:
    speed = KnownSpeed(Speed(100.0, 10.0), is_sure=True, size_bytes=int(1.9 * GB))
    Speeds(cache_dir() / "engine" / "speeds.json").keep("key", speed)
    sentence = await machine_fit.sentence_from_child(MODEL, latency_target_ms=0)
    assert "1.2 s while you type" in sentence


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "while True: pass"])
async def test_a_child_without_an_answer_is_not_waited_for(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(machine_fit, "python_module", lambda *arguments: command)
    monkeypatch.setattr(machine_fit, "PATIENCE_S", 0.5)
    sentence = await machine_fit.sentence_from_child(MODEL, latency_target_ms=0)
    assert sentence.startswith("It takes 2.1 GB of memory")
