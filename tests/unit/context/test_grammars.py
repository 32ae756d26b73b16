"""A grammar that cannot be used costs its language's symbols and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import tree_sitter_language_pack

from starcoder_lsp.context.symbols import Symbols
from starcoder_lsp.context.syntax import grammars, parse


@pytest.fixture(autouse=True)
def unknown_grammars() -> Iterator[None]:
    grammars.grammar_of.cache_clear()
    yield
    grammars.grammar_of.cache_clear()


@pytest.mark.parametrize(
    "error",
    [
        LookupError("Could not find language library for python"),
        ImportError("undefined symbol: PyModule_GetState"),
        OSError("cannot open shared object file"),
        ValueError("Incompatible Language version 16. Must be between 13 and 15"),
    ],
)
def test_its_files_are_plain_text_and_other_languages_have_theirs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    get_language = tree_sitter_language_pack.get_language

    def fails(name: str) -> object:
        if name == "python":
            raise error
        return get_language(name)  # type: ignore[arg-type]  # whatever is asked for

    monkeypatch.setattr(tree_sitter_language_pack, "get_language", fails)
    for _ in range(2):
        assert parse("python", b"def f(): pass\n") == Symbols(
            "python", is_complete=False
        )
    assert len(parse("c", b"int f() { return 1; }\n").definitions) == 1
    assert caplog.messages == [f"python is indexed as plain text: {error}"]
