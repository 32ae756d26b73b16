"""What settings and the rows of models come to together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import NoModelFile
from starcoder_lsp.models import registry
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.resolve import Layer, resolve


@pytest.mark.parametrize(
    ("of_user", "of_model", "expected"),
    [
        ("auto", None, "auto"),
        ("auto", "psm", "psm"),
        ("plain", "psm", "plain"),
        ("spm", None, "spm"),
    ],
)
def test_the_users_layout_goes_before_the_models(
    of_user: str, of_model: str | None, expected: str
) -> None:
    settings = resolve([Layer("editor", {"layout": of_user})]).settings
    model = replace(registry.find("starcoder2-3b"), layout=of_model)
    assert assemble.layout_of(settings, model) == expected


@pytest.mark.parametrize(
    ("model", "layout", "n_characters"),
    [
        ("starcoder2-3b", "auto", 3072),
        ("starcoder2-3b", "psm", 512),
        ("qwen2.5-coder-7b", "auto", 512),
        ("qwen2.5-coder-7b", "spm", 512),
    ],
)
def test_a_suffix_that_each_keystroke_reads_again_is_short(
    model: str, layout: str, n_characters: int
) -> None:
    settings = resolve([Layer("editor", {"model": model, "layout": layout})]).settings
    window = assemble.build_completer(settings, ScriptedEngine([])).window
    assert window.suffix == n_characters
    assert window.prefix + window.suffix == 3 * 4096
    assert window.beside(window.for_context).suffix <= n_characters


def test_a_new_kind_of_engine_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    remote = ScriptedEngine([])
    row = assemble.EngineKind(
        suits=lambda settings: settings.model == "starcoder2-7b",
        build=lambda settings, **rest: remote,
    )
    monkeypatch.setattr(assemble, "ENGINES", {"new": row, **assemble.ENGINES})
    settings = resolve([Layer("editor", {"model": "starcoder2-7b"})]).settings
    assert assemble.build_engine(settings.engine, log_level="error") is remote


def test_the_last_kind_of_engine_suits_all_settings() -> None:
    *_, last = assemble.ENGINES.values()
    assert last.suits(resolve([]).settings.engine)


@pytest.fixture
def remote_model(monkeypatch: pytest.MonkeyPatch) -> str:
    row = replace(registry.find("starcoder2-3b"), name="elsewhere", source=None)
    models = {**registry.models(), row.name: row}
    monkeypatch.setattr(registry, "models", lambda: models)
    return row.name


def test_a_model_without_a_file_serves_an_engine_that_needs_none(
    remote_model: str,
) -> None:
    settings = resolve([Layer("editor", {"model": remote_model})]).settings
    completer = assemble.build_completer(settings, ScriptedEngine([]))
    assert completer.family.name == "starcoder2"


def test_an_engine_that_needs_a_file_says_what_to_do(remote_model: str) -> None:
    settings = resolve([Layer("editor", {"model": remote_model})]).settings
    with pytest.raises(
        NoModelFile, match="elsewhere has no file that can be downloaded"
    ):
        assemble.build_engine(settings.engine, log_level="error")
