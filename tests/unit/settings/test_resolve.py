"""Precedence, trust, and what is said about options that cannot be used."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import pytest
from setting_values import GOOD

from starcoder_lsp.errors import ConfigError
from starcoder_lsp.settings.options import OPTIONS
from starcoder_lsp.settings.resolve import (
    MAX_NAMED,
    NEVER_FROM_A_PROJECT,
    Layer,
    editor_layer,
    resolve,
)


def project(**values: Any) -> Layer:
    return Layer("/p/.starcoder.toml", values, is_project=True)


def user_file() -> Path:
    return Path(os.environ["STARCODER_LSP_CONFIG"])


def test_a_project_cannot_switch_off_what_protects_the_reader() -> None:
    safety = {"disabled_rules": ["hidden_characters"]}
    assert not resolve([Layer("user file", safety)]).problems
    (problem,) = resolve([project(**safety)]).problems
    assert "without hidden_characters" in problem


def test_every_option_has_a_good_value_here() -> None:
    assert GOOD.keys() == OPTIONS.keys()


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("origin", ["user file", "editor settings", "command line"])
def test_the_user_may_set_everything(name: str, origin: str) -> None:
    resolved = resolve([Layer(origin, {name: GOOD[name]})])
    assert resolved.values[name] == GOOD[name]
    assert resolved.origins[name] == origin
    assert not resolved.problems


@pytest.mark.parametrize("name", OPTIONS)
def test_a_project_may_set_only_what_is_harmless(name: str) -> None:
    resolved = resolve([project(**{name: GOOD[name]})])
    if OPTIONS[name].project:
        assert resolved.values[name] == GOOD[name]
        assert not resolved.problems
    else:
        assert resolved.values[name] == OPTIONS[name].default
        (problem,) = resolved.problems
        assert problem.startswith("/p/.starcoder.toml: ")
        assert f"{name} may not be set by a project" in problem


@pytest.mark.parametrize("name", sorted(NEVER_FROM_A_PROJECT))
def test_what_a_hostile_project_would_try_is_refused_by_name(name: str) -> None:
    (problem,) = resolve([project(**{name: "https://evil.example"})]).problems
    assert f"{name} may not be set by a project; set it in {user_file()}" in problem
    assert "evil.example" not in problem


@pytest.mark.parametrize(
    ("name", "users", "projects", "together"),
    [
        ("enabled", False, True, False),
        ("enabled", True, False, False),
        ("disabled_languages", ["python"], ["c"], ["c", "python"]),
        ("disabled_languages", ["python"], [], ["python"]),
        ("max_prompt_tokens", 512, 16_384, 512),
        ("max_prompt_tokens", 512, 128, 128),
        ("time_budget_ms", 1000, 60_000, 1000),
        ("max_tokens", 32, 1024, 32),
        ("index_max_files", 5000, 1_000_000, 5000),
        ("debounce_ms", 300, 0, 300),
        ("debounce_ms", 100, 200, 200),
        ("model", "starcoder2-3b", "starcoder2-7b", "starcoder2-7b"),
    ],
)
def test_a_project_cannot_loosen_what_the_user_has_set(
    name: str, users: Any, projects: Any, together: Any
) -> None:
    user = Layer("user", {name: users})
    assert resolve([user, project(**{name: projects})]).values[name] == together


def test_a_value_that_a_project_could_not_change_keeps_its_origin() -> None:
    layers = [Layer("user", {"max_tokens": 50}), project(max_tokens=200)]
    assert resolve(layers).origins["max_tokens"] == "user"


def around_project(user: Layer, project: Layer) -> list[list[Layer]]:
    """The user's layer may be weaker than the project's, as a file, or stronger."""
    return [[user, project], [project, user]]


def test_a_projects_model_does_not_replace_a_file_of_the_users_own() -> None:
    own = {"model": "qwen2.5-coder-1.5b", "model_path": "/q.gguf"}
    for layers in around_project(Layer("user", own), project(model="starcoder2-3b")):
        assert resolve(layers).values["model"] == "qwen2.5-coder-1.5b"


def test_a_file_of_the_users_own_has_the_default_family_and_not_the_projects() -> None:
    user = Layer("user", {"model_path": "/q.gguf"})
    for layers in around_project(user, project(model="starcoder2-3b")):
        resolved = resolve(layers)
        assert resolved.values["model"] == OPTIONS["model"].default
        assert resolved.origins["model"] == "default"


def test_a_projects_model_is_never_downloaded_unasked() -> None:
    user = Layer("user", {"download": "always"})
    assert resolve([user]).settings.lsp.download == "always"
    for layers in around_project(user, project(model="starcoder2-15b-q8_0")):
        assert resolve(layers).settings.lsp.download == "ask"


def test_the_users_own_model_is_downloaded_as_the_user_wants() -> None:
    user = Layer("user", {"download": "always", "model": "starcoder2-3b"})
    assert (
        resolve([user, project(model="starcoder2-3b")]).values["download"] == "always"
    )
    layers = [project(model="starcoder2-7b"), user]
    assert resolve(layers).values["download"] == "always"


def test_a_project_adds_to_lists_that_the_editor_sets() -> None:
    editor = Layer("editor settings", {"ignore": ["*.sql"]})
    assert resolve([project(ignore=["keys/"]), editor]).values["ignore"] == [
        "*.sql", "keys/",
    ]  # fmt: skip


def test_the_editor_and_the_command_line_are_stronger_than_a_project() -> None:
    flags = Layer("command line", {"max_tokens": 200})
    assert resolve([project(max_tokens=50), flags]).values["max_tokens"] == 200


def test_where_the_user_has_set_nothing_the_projects_value_holds() -> None:
    resolved = resolve([project(max_prompt_tokens=8192)])
    assert resolved.values["max_prompt_tokens"] == 8192


def test_what_a_project_may_set_is_a_short_and_known_list() -> None:
    allowed = {name for name, row in OPTIONS.items() if row.project}
    assert allowed == {
        "engine", "model", "enabled", "disabled_languages", "disabled_paths", "skip_in",
        "debounce_ms", "alternatives", "multiline", "next_line",
        "max_tokens", "time_budget_ms", "max_prompt_tokens", "layout", "sampler",
        "latency_target_ms",
        "context", "index_max_files", "ignore",
        "disabled_rules",
    }  # fmt: skip


def test_the_highest_layer_wins() -> None:
    layers = [
        Layer("user", {"threads": 1, "max_tokens": 1}),
        Layer("editor", {"max_tokens": 2}),
    ]
    resolved = resolve(layers)
    assert resolved.settings.limits.max_tokens == 2
    assert resolved.settings.engine.threads == 1
    assert resolved.origins["max_tokens"] == "editor"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("debounce_ms", "fast"),
        ("debounce_ms", -1),
        ("debounce_ms", True),
        ("debounce_ms", 1.5),
        ("max_tokens", 0),
        ("enabled", "yes"),
        ("multiline", "sometimes"),
        ("disabled_languages", "python"),
        ("model", ""),
        ("model_path", "relative.gguf"),
    ],
)
def test_a_wrong_value_is_reported_with_the_form_it_should_have(
    name: str, value: Any
) -> None:
    resolved = resolve([Layer("/u/config.toml", {name: value})])
    assert resolved.values[name] == OPTIONS[name].default
    assert resolved.problems == (
        f"/u/config.toml: {name} = {value!r}: expected {OPTIONS[name].form.name}",
    )


ODD: list[Any] = [math.nan, -math.inf, -2.5, b"x", {}, [None], [[]], {"a": 1}]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_refuses_what_has_another_form(name: str) -> None:
    form = OPTIONS[name].form.name
    # Tables are the form of `engines`, whose messages have tests of their own.
    odd = [one for one in ODD if name != "engines" or not isinstance(one, dict)]
    for value in odd:
        resolved = resolve([Layer("f", {name: value})])
        assert resolved.values[name] == OPTIONS[name].default
        assert resolved.problems == (f"f: {name} = {value!r}: expected {form}",)


NUMBERS = {
    name: found
    for name, option in OPTIONS.items()
    if (found := re.search(r"from (-?\d+) to (\d+)", option.form.name))
}


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_has_its_bounds(name: str) -> None:
    low, high = map(int, NUMBERS[name].groups())
    for value in (low, high):
        assert resolve([Layer("f", {name: value})]).values[name] == value
    for value in (low - 1, high + 1, 2**63, 10**400):
        (problem,) = resolve([Layer("f", {name: value})]).problems
        assert f"a whole number from {low} to {high}" in problem
        with pytest.raises(ConfigError, match=f"from {low} to {high}"):
            OPTIONS[name].parsed(str(value))


def test_an_unknown_key_is_reported_with_the_nearest_one() -> None:
    (problem,) = resolve([Layer("f", {"debounce": 1})]).problems
    assert problem == "f: debounce is not an option, did you mean debounce_ms?"
    (problem,) = resolve([Layer("f", {"zzz": 1})]).problems
    assert problem == "f: zzz is not an option"


def test_all_that_is_wrong_in_one_file_is_one_message() -> None:
    (problem,) = resolve(
        [Layer("f", {"x": 1, "threads": -1, "max_tokens": 7})]
    ).problems
    first, second = problem.split("; ")
    assert first == "f: x is not an option"
    assert second.startswith("threads = -1: expected")


def test_of_many_unknown_keys_the_first_are_named_and_the_others_counted() -> None:
    unknown = {f"zzz{n}": n for n in range(MAX_NAMED + 2)}
    (problem,) = resolve([Layer("f", unknown)]).problems
    assert problem.split("; ")[MAX_NAMED - 1 :] == [
        f"zzz{MAX_NAMED - 1} is not an option",
        "2 more are not options",
    ]


@pytest.mark.parametrize(
    "sent", [None, [], "x", {}, {"starcoder": None}, {"starcoder": 3}]
)
def test_an_editor_may_send_nothing_of_use(sent: object) -> None:
    assert not editor_layer(sent).values


def test_an_editor_may_wrap_its_options() -> None:
    assert editor_layer({"starcoder": {"threads": 2}}).values == {"threads": 2}
    assert editor_layer({"threads": 2}).values == {"threads": 2}


def test_a_flag_is_parsed_as_the_option_wants_it() -> None:
    assert OPTIONS["enabled"].parsed("false") is False
    assert OPTIONS["disabled_languages"].parsed("a,b") == ["a", "b"]
    with pytest.raises(ConfigError, match="expected a whole number from 0 to 2000"):
        OPTIONS["debounce_ms"].parsed("soon")
