"""An editor that closes brackets does not make keystrokes more expensive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from starcoder_lsp.completion.prompt import Window, build_prompt, families
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.flow import Cursor, Document, Limits
from starcoder_lsp.suggesting.closing_brackets import (
    CLOSERS,
    AutoCloseFilter,
    closers_due,
)

FAMILY = families()["starcoder2"]
LIMITS = Limits(max_tokens=2, time_budget_ms=60_000)
LINE = '    return table["name"](first(value[0]), {"a": [1, 2]})'


@pytest.fixture(scope="module")
def session(tiny_starcoder2: Path) -> LlamaSession:
    library.set_up()
    model = LlamaModel(tiny_starcoder2, overrides=FAMILY.overrides)
    return LlamaSession(model, n_context=2048, n_threads=2)


def functions(name: str) -> str:
    return "".join(f"def {name}_{n}(x):\n    return x + {n}\n\n\n" for n in range(40))


def typed_with_closing_brackets() -> Iterator[Cursor]:
    """The document after each key, as an editor has it that closes what is opened."""
    before, after = functions("one"), "\n" + functions("two")
    for n in range(1, len(LINE) + 1):
        typed = LINE[:n]
        text = before + typed + closers_due(typed) + after
        yield Cursor(Document(text, "a", "python"), len(before) + n)


def evaluated(session: LlamaSession, cursors: Iterator[Cursor]) -> list[int]:
    counts = []
    for cursor in cursors:
        prompt = build_prompt(cursor, FAMILY, Window.of_tokens(1000))
        pieces = list(session.generate(prompt, LIMITS, lambda: False))
        counts.append(pieces[-1].usage.evaluated_tokens)
    return counts[1:]


def test_a_keystroke_evaluates_about_one_token(session: LlamaSession) -> None:
    auto_close = AutoCloseFilter()
    empty = next(typed_with_closing_brackets())
    auto_close.apply(empty)
    read_as = (auto_close.apply(cursor) for cursor in typed_with_closing_brackets())
    counts = evaluated(session, read_as)
    assert sum(counts) / len(counts) <= 2
    assert max(counts) <= 4


def test_without_the_filter_each_bracket_invalidates_the_cache(
    session: LlamaSession,
) -> None:
    counts = evaluated(session, typed_with_closing_brackets())
    n_changes = sum(character in CLOSERS for character in LINE)
    assert sum(count > 100 for count in counts) >= n_changes
