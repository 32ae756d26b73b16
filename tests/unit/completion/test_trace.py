from __future__ import annotations

import math

from starcoder_lsp.completion.prompt import Window
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.flow import Snippet


def test_each_snippet_is_named_with_its_place_its_size_and_the_reason() -> None:
    snippet = Snippet("a.py", "x" * 38, "similar", 4, 9, 1.5, "same words: x")
    line = f"context: a.py:5-10, similar 1.50, about {math.ceil(42 / Window.CHARACTERS_PER_TOKEN)} tokens, same words: x"
    assert line in str(Trace(snippets=(snippet,))).split("\n")
