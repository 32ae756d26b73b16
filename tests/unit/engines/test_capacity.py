"""KV type, contexts and layers for machines of every size; arithmetic only."""

from __future__ import annotations

import pytest

from starcoder_lsp.engines.llama.machine import capacity
from starcoder_lsp.engines.llama.machine.capacity import Plan, Room, Wish
from starcoder_lsp.engines.llama.machine.gguf import Header
from starcoder_lsp.errors import ModelBroken

MIB = 1 << 20
# StarCoder2-3B in Q4_K_M: 30 KiB of KV cache per token in f16.
STARCODER2_3B = capacity.ModelSize(
    "starcoder2-3b.gguf",
    1800 * MIB,
    Header(
        {
            "general.architecture": "starcoder2",
            "starcoder2.block_count": 30,
            "starcoder2.embedding_length": 3072,
            "starcoder2.attention.head_count": 24,
            "starcoder2.attention.head_count_kv": 2,
        }
    ),
)
WISH = Wish(n_context=4096, n_context_least=256, n_slots=3)


def planned(wish: Wish = WISH, *, host: int | None, device: int = 0) -> Plan:
    host_bytes = None if host is None else host * MIB
    return capacity.plan(STARCODER2_3B, wish, Room(host_bytes, device * MIB))


def test_the_cache_of_starcoder2_3b_is_as_large_as_known() -> None:
    one = Plan(n_context=1024, n_slots=1, kv_type="f16")
    assert STARCODER2_3B.kv_bytes(one) == 30 * MIB


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (None, Plan(4096, 3, "f16")),
        (16000, Plan(4096, 3, "f16")),
        (2500, Plan(4096, 3, "q8_0")),
        (2150, Plan(4096, 2, "q8_0")),
        (1950, Plan(4096, 1, "q8_0")),
    ],
)
def test_q8_0_comes_before_fewer_contexts(host: int | None, expected: Plan) -> None:
    assert planned(host=host) == expected


def test_a_smaller_context_is_the_last_resort_and_is_said() -> None:
    plan = planned(host=1900)
    assert (plan.n_slots, plan.kv_type) == (1, "q8_0")
    assert WISH.n_context_least < plan.n_context < WISH.n_context
    (note,) = plan.notes
    assert f"{plan.n_context} tokens instead of 4096" in note


def test_a_model_larger_than_the_free_memory_is_refused_with_the_way_out() -> None:
    with pytest.raises(ModelBroken, match=r"3b\.gguf needs .* a smaller model"):
        planned(host=1800)


def test_the_users_kv_type_is_kept_where_the_model_can() -> None:
    wish = Wish(4096, 256, 3, kv_type="q8_0")
    assert planned(wish, host=16000).kv_type == "q8_0"
    odd = Header({**STARCODER2_3B.header.entries, "starcoder2.embedding_length": 384})
    plan = capacity.plan(capacity.ModelSize("odd", MIB, odd), wish, Room(16000 * MIB))
    assert plan.kv_type == "f16"
    assert "cannot be q8_0" in plan.notes[0]


def test_without_a_device_nothing_goes_there() -> None:
    assert planned(host=16000).n_gpu_layers == 0


def test_all_layers_go_to_a_device_that_holds_them() -> None:
    plan = planned(host=16000, device=8000)
    assert plan == Plan(4096, 3, "f16", n_gpu_layers=31)


def test_a_smaller_cache_comes_before_a_layer_on_the_host() -> None:
    assert planned(host=16000, device=2550) == Plan(4096, 3, "q8_0", n_gpu_layers=31)
    assert planned(host=16000, device=2400) == Plan(4096, 1, "q8_0", n_gpu_layers=31)


def test_a_device_too_small_for_all_gets_what_fits() -> None:
    plan = planned(host=16000, device=1500)
    assert (plan.n_slots, plan.kv_type) == (3, "f16")
    assert 0 < plan.n_gpu_layers < 31


def test_what_is_on_a_device_takes_no_memory_of_the_host() -> None:
    assert planned(host=500, device=8000).n_gpu_layers == 31


@pytest.mark.parametrize(("asked", "got"), [(-1, 31), (12, 12), (999, 31), (0, 0)])
def test_the_users_number_of_layers_is_kept(asked: int, got: int) -> None:
    wish = Wish(4096, 256, 3, n_gpu_layers=asked)
    assert planned(wish, host=16000, device=8000).n_gpu_layers == got


def test_when_memory_runs_out_less_is_tried_until_nothing_is_on_the_device() -> None:
    tried = list(capacity.retreats(Plan(4096, 3, "f16", n_gpu_layers=31)))
    assert [plan.n_gpu_layers for plan in tried] == [31, 31, 15, 7, 3, 1, 0]
    assert [plan.n_slots for plan in tried] == [3, 1, 1, 1, 1, 1, 1]
    assert "7 layers on the GPU instead of 31" in tried[3].notes[-1]
    assert list(capacity.retreats(Plan(4096, 1, "f16"))) == [Plan(4096, 1, "f16")]
