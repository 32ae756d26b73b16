"""What a licence restricts is shown once, whatever file the model comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from starcoder_lsp.models import registry
from starcoder_lsp.settings import terms

MODEL = registry.find("starcoder2-3b")


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "_shown", set())


def test_restrictions_are_shown_until_they_were_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "BigCode OpenRAIL-M v1 (https://" in terms.unseen(MODEL)
    terms.note_shown(MODEL)
    monkeypatch.setattr(terms, "_shown", set())
    assert terms.unseen(MODEL) == ""
    assert terms.unseen(registry.find("starcoder2-15b")) == "", "the same licence"
    assert "Llama 2" in terms.unseen(registry.find("codellama-7b"))


def test_a_free_licence_has_nothing_to_show() -> None:
    assert terms.unseen(registry.find("smollm2-135m")) == ""
    assert terms.unseen(replace(MODEL, license="")) == ""


def test_models_of_unknown_licences_are_shown_one_by_one() -> None:
    terms.note_shown(registry.find("zeta-2"))
    assert terms.unseen(registry.find("zeta-2")) == ""
    assert terms.unseen(registry.find("sweep-next-edit-v2-7b"))


@pytest.mark.parametrize("content", ["", "{", "7", "null", '[["a"]]', "[" * 100_000])
def test_a_damaged_record_is_written_anew(content: str) -> None:
    terms._file().parent.mkdir(parents=True)
    terms._file().write_text(content)
    assert terms.unseen(MODEL)
    terms.note_shown(MODEL)
    assert terms.unseen(MODEL) == ""


def test_where_nothing_can_be_written_it_is_shown_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STARCODER_LSP_DATA", "/dev/null/nowhere")
    terms.note_shown(MODEL)
    assert terms.unseen(MODEL) == ""
