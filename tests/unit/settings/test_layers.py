"""A project only restricts: random layers, with and without the project's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from setting_values import GOOD

from starcoder_lsp.settings.options import OPTIONS, RULES
from starcoder_lsp.settings.resolve import DEFAULT, Layer, Resolved, resolve
from starcoder_lsp.settings.schema import (
    MAY_ADD,
    MAY_LOWER,
    MAY_RAISE,
    MAY_SWITCH_OFF,
    ProjectRule,
)

NAMES = st.sampled_from(["a", "b", "c"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "engine": st.sampled_from(["local", "work"]),
    "engines": st.just(GOOD["engines"]),
    "model": st.sampled_from(["smollm2-135m", "starcoder2-3b", "starcoder2-7b"]),
    "model_path": st.sampled_from(["/own.gguf", "/other.gguf"]),
    "enabled": st.booleans(),
    "context": st.booleans(),
    "hide_secrets": st.booleans(),
    "statistics": st.booleans(),
    "shared_engine": st.booleans(),
    "disabled_languages": st.lists(NAMES),
    "disabled_paths": st.lists(NAMES),
    "ignore": st.lists(NAMES),
    "skip_in": st.lists(st.sampled_from(["comments", "strings"])),
    "disabled_rules": st.lists(st.sampled_from(RULES)),
    "debounce_ms": st.integers(0, 2000),
    "alternatives": st.integers(1, 5),
    "max_tokens": st.integers(1, 1024),
    "max_prompt_tokens": st.integers(64, 16_384),
    "time_budget_ms": st.integers(50, 60_000),
    "latency_target_ms": st.integers(20, 60_000),
    "index_max_files": st.integers(1, 1_000_000),
    "kv_cache_mb": st.integers(0, 1000),
    "threads": st.integers(0, 8),
    "niceness": st.integers(0, 19),
    "idle_unload_minutes": st.integers(0, 60),
    "gpu_layers": st.integers(-1, 9),
    "kv_type": st.sampled_from(["auto", "f16"]),
    "layout": st.sampled_from(["auto", "spm"]),
    "sampler": st.sampled_from(["greedy", "infill"]),
    "next_line": st.booleans(),
    "multiline": st.sampled_from(["auto", "never"]),
    "speculate": st.sampled_from(["auto", "never"]),
    "completion": st.sampled_from(["auto", "never"]),
    "download": st.sampled_from(["ask", "always", "never"]),
    "log_level": st.sampled_from(["info", "debug"]),
    "log_file": st.just("/tmp/log"),
}
OPTIONS_OF_A_LAYER = st.fixed_dictionaries({}, optional=VALUES)
USERS = st.lists(OPTIONS_OF_A_LAYER, max_size=4)

# How a value with a project in the game may differ from the one without it.
STRICTER: dict[str, Callable[[Any, Any], bool]] = {
    MAY_LOWER.name: lambda with_it, without: with_it <= without,
    MAY_SWITCH_OFF.name: lambda with_it, without: with_it <= without,
    MAY_RAISE.name: lambda with_it, without: with_it >= without,
    MAY_ADD.name: lambda with_it, without: set(with_it) >= set(without),
}


def test_every_option_takes_part() -> None:
    assert VALUES.keys() == OPTIONS.keys()


def without_and_with(
    users: list[dict[str, Any]], projects: dict[str, Any], position: int
) -> tuple[Resolved, Resolved]:
    layers = [Layer(f"user {i}", values) for i, values in enumerate(users)]
    at = position % (len(layers) + 1)
    project = Layer("project", projects, is_project=True)
    return resolve(layers), resolve([*layers[:at], project, *layers[at:]])


@given(USERS, OPTIONS_OF_A_LAYER, st.integers(0, 4))
def test_nothing_that_the_user_has_set_gets_looser_by_a_project(
    users: list[dict[str, Any]], projects: dict[str, Any], position: int
) -> None:
    without, with_it = without_and_with(users, projects, position)
    for name, option in OPTIONS.items():
        rule: ProjectRule | None = option.project
        is_set = without.origins[name] != DEFAULT
        if rule is not None and rule.name in STRICTER and is_set:
            is_as_strict = STRICTER[rule.name]
            assert is_as_strict(with_it.values[name], without.values[name]), name


@given(USERS, OPTIONS_OF_A_LAYER, st.integers(0, 4))
def test_what_only_the_user_may_set_stays(
    users: list[dict[str, Any]], projects: dict[str, Any], position: int
) -> None:
    without, with_it = without_and_with(users, projects, position)
    for name, option in OPTIONS.items():
        if option.project is None and name != "download":
            assert with_it.values[name] == without.values[name], name


@given(USERS, OPTIONS_OF_A_LAYER, st.integers(0, 4))
def test_a_projects_model_is_neither_fetched_unasked_nor_the_family_of_a_users_file(
    users: list[dict[str, Any]], projects: dict[str, Any], position: int
) -> None:
    without, with_it = without_and_with(users, projects, position)
    if with_it.values["model"] != without.values["model"]:
        assert with_it.values["download"] != "always"
        assert with_it.values["model_path"] is None
    else:
        assert with_it.values["download"] == without.values["download"]


@given(USERS, OPTIONS_OF_A_LAYER)
def test_a_project_adds_to_lists_wherever_its_layer_stands(
    users: list[dict[str, Any]], projects: dict[str, Any]
) -> None:
    found = [without_and_with(users, projects, at)[1] for at in range(len(users) + 1)]
    adding = [name for name, one in OPTIONS.items() if one.project and one.project.adds]
    assert adding
    for name in adding:
        assert len({frozenset(one.values[name]) for one in found}) == 1, name


@pytest.mark.parametrize("position", range(5))
def test_a_layer_without_a_project_is_left_alone(position: int) -> None:
    users = [{"max_tokens": 7}, {"threads": 2}]
    without, with_it = without_and_with(users, {}, position)
    assert without == with_it
