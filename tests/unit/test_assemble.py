"""What settings and the rows of models come to together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from starcoder_lsp import assemble
from starcoder_lsp.config import Layer, resolve
from starcoder_lsp.models import registry


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
