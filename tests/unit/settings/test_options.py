"""A setting is declared once: its names, its documentation and the key follow."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from setting_values import GOOD

from starcoder_lsp.cli.flags import add_option_flags, flag_layer
from starcoder_lsp.completion.postprocess import STAGES, STARTS, STOPS
from starcoder_lsp.settings import reference
from starcoder_lsp.settings.forms import BOOLEAN, integer, shown
from starcoder_lsp.settings.options import OPTIONS, RULES, Settings
from starcoder_lsp.settings.resolve import Layer, resolve
from starcoder_lsp.settings.schema import declared, option

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"
# With another value of these the same suggestion would be made.
WITHOUT_EFFECT_ON_TEXT = {
    "kv_cache_mb", "threads", "niceness", "shared_engine", "idle_unload_minutes", "enabled",
    "disabled_languages", "disabled_paths", "skip_in", "debounce_ms", "speculate",
    "completion", "download", "statistics", "log_level", "log_file",
}  # fmt: skip


@dataclass(frozen=True)
class NewSection:
    is_new: bool = option(False, BOOLEAN, "whether it is", name="new")
    old_s: float = option(2000, integer(0, 9000), "age", convert=lambda ms: ms / 1000)


@dataclass(frozen=True)
class NewSettings:
    section: NewSection = NewSection()


def test_a_field_of_a_section_is_all_that_a_new_setting_needs() -> None:
    new, old = declared(NewSettings)
    assert (new.name, new.section, new.field) == ("new", "section", "is_new")
    assert (old.name, old.help, old.project) == ("old_s", "age", None)
    assert NewSection().old_s == 2


def test_every_field_of_every_section_is_a_setting() -> None:
    sections: list[Any] = [one.default for one in fields(Settings)]
    assert sum(len(fields(section)) for section in sections) == len(OPTIONS)


def test_every_setting_lands_in_its_own_place() -> None:
    usual = resolve([]).settings
    for name, one in OPTIONS.items():
        changed = resolve([Layer("user", {name: GOOD[name]})]).settings
        section = getattr(changed, one.section)
        assert getattr(section, one.field) == one.convert(GOOD[name])
        # And nowhere else.
        before = {one.field: getattr(getattr(usual, one.section), one.field)}
        rest = replace(changed, **{one.section: replace(section, **before)})
        assert rest == usual, name


@pytest.mark.parametrize("name", OPTIONS)
def test_what_changes_suggestions_is_part_of_their_key(name: str) -> None:
    usual = resolve([]).settings.suggestion_key
    changed = resolve([Layer("user", {name: GOOD[name]})]).settings.suggestion_key
    assert (changed != usual) == OPTIONS[name].changes_suggestions


def test_it_is_known_which_settings_leave_suggestions_alone() -> None:
    marked = {name for name, one in OPTIONS.items() if one.changes_suggestions}
    assert OPTIONS.keys() - marked == WITHOUT_EFFECT_ON_TEXT


def as_toml(value: Any) -> str:
    """Write a value in one line of TOML."""
    if not isinstance(value, dict):
        return repr(value)
    return (
        "{" + ", ".join(f"{key} = {as_toml(one)}" for key, one in value.items()) + "}"
    )


def test_every_setting_is_a_flag() -> None:
    parser = argparse.ArgumentParser()
    add_option_flags(parser)
    for name in OPTIONS:
        flag = "--" + name.replace("_", "-")
        value = GOOD[name]
        text = ",".join(value) if isinstance(value, list) else str(value).lower()
        if isinstance(value, dict):
            text = as_toml(value)
        layer = flag_layer(parser.parse_args([flag, text]))
        assert layer.values == {name: value}


def test_the_documentation_has_every_setting() -> None:
    page = PAGE.read_text("utf-8")
    assert reference.written(page) == page, "run: make docs"
    for one in OPTIONS.values():
        assert f"| `{one.name}` |" in page


def test_the_names_of_rules_are_those_of_the_postprocessor_and_differ() -> None:
    assert len(RULES) == len({*RULES}) == len((*STARTS, *STOPS, *STAGES))


def test_a_value_is_quoted_at_a_bounded_length() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 10_000, 0x10**5000, deep, {"a": "x" * 10_000}):
        assert len(shown(value)) <= 80
