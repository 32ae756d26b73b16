"""Which models fit a machine, and how fast they would be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from starcoder_lsp.engines.llama.machine import capacity
from starcoder_lsp.engines.llama.machine.gguf import Header
from starcoder_lsp.models import recommend, registry
from starcoder_lsp.models.recommend import Machine, Need
from starcoder_lsp.models.registry import HubFile, Model

GB = 1_000_000_000
PSM = frozenset(("qwen2.5-coder",))
# A model of 1 GB reads 200 tokens/s and writes 20 there.
MACHINE = Machine(10 * GB, 0, GB, 200.0, 20.0)


def model(gigabytes: float, family: str = "starcoder2") -> Model:
    source = HubFile("someone/model", "model.gguf")
    return Model(
        f"m{gigabytes}", "", family, "MIT", 4096, source=source, size_gb=gigabytes
    )


@pytest.mark.parametrize(
    ("gigabytes", "host_gb", "device_gb", "fit"),
    [
        (1.0, 10, 0, "fits"),
        (5.0, 10, 0, "fits"),
        (6.0, 10, 0, "tight"),
        (9.0, 10, 0, "no"),
        (9.0, 10, 12, "fits"),
        (9.0, 2, 10, "tight"),
        (0.1, 1, 0, "fits"),
        (0.1, 0.5, 0, "tight"),
    ],
)
def test_memory_decides_what_fits(
    gigabytes: float, host_gb: float, device_gb: float, fit: str
) -> None:
    machine = Machine(int(host_gb * GB), int(device_gb * GB))
    assert recommend.fit_of(model(gigabytes), machine) == fit


def test_a_known_shape_gives_the_memory_of_the_cache() -> None:
    one = replace(model(1), kv_values=10_000)
    need = recommend.need_of(one)
    plan = capacity.Plan(4096, n_slots=1, kv_type="f16")
    header = Header({"general.architecture": "x", "x.block_count": 10})
    engine = capacity.ModelSize("x", GB, header)
    assert need.n_bytes == GB + 10_000 * 2 * 4096 + engine.host_bytes(plan) - GB
    assert not need.is_estimate
    short = recommend.need_of(replace(one, prompt_tokens=2048))
    assert need.n_bytes - short.n_bytes == 10_000 * 2 * 2048


def test_an_unknown_shape_is_said_to_be_estimated() -> None:
    assert recommend.need_of(model(4)) == Need(int(4.6 * GB), is_estimate=True)


def test_time_grows_with_the_weights() -> None:
    small, large = recommend.advise([model(1), model(2)], MACHINE, PSM)
    assert small.first_ms == 1000 * 5 + 12 * 50
    assert small.typing_ms == 2 * 5 + 12 * 50
    assert large.typing_ms == 2 * small.typing_ms


def test_a_short_prompt_is_read_within_the_latency_target() -> None:
    machine = replace(MACHINE, latency_target_ms=500)
    (advice,) = recommend.advise([model(1)], machine, PSM)
    assert (advice.n_read, advice.first_ms) == (100, 500 + 600)


def test_a_model_that_reads_the_prefix_first_reads_the_suffix_again() -> None:
    (advice,) = recommend.advise([model(1, "qwen2.5-coder")], MACHINE, PSM)
    assert advice.typing_ms == 170 * 5 + 600


def test_of_a_mixture_of_experts_a_part_computes() -> None:
    (advice,) = recommend.advise([replace(model(1), active_share=0.1)], MACHINE, PSM)
    assert advice.typing_ms == 61


def test_without_a_measured_speed_there_are_no_times() -> None:
    (advice,) = recommend.advise([model(1)], Machine(10 * GB), PSM)
    assert (advice.first_ms, advice.typing_ms, advice.is_comfortable) == (
        None, None, False,
    )  # fmt: skip


def test_the_largest_comfortable_model_is_the_best() -> None:
    models = [model(0.5), model(2), model(8), replace(model(2.2), warnings=("bad",))]
    advice = recommend.advise(models, MACHINE, PSM)
    found = recommend.best(advice)
    assert found is not None
    assert found.model.name == "m2"
    assert recommend.best(recommend.advise(models, Machine(GB), PSM)) is None


def test_models_for_other_tasks_are_left_out() -> None:
    advice = recommend.advise(registry.models().values(), MACHINE, PSM)
    names = [one.model.name for one in advice]
    assert "zeta-2" not in names
    assert "starcoder2-15b-instruct" not in names
    assert names[0] == "smollm2-135m"
