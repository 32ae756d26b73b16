"""Brackets, strings and comments that are open at the end of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.completion.postprocess.nesting import Nesting, _read_on, read
from starcoder_lsp.languages import language

PIECES = ["(", ")", "[", "]", "{", "}", '"', "'", '"""', "`", "\\", "#", "//", "/*", "*/", "\n", "a "]  # fmt: skip


@pytest.mark.parametrize("name", ["python", "javascript", "go", "rust", "lua"])
@pytest.mark.parametrize("literal", ["", '"""', "'"])
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=30))
def test_reading_line_by_line_equals_reading_at_once(
    name: str, literal: str, pieces: list[str]
) -> None:
    text, row = "".join(pieces), language(name)
    at_once = _read_on(text, 0, row, Nesting((), (), literal))
    assert read(text, row, literal) == at_once
