"""What the engine's process does besides answering."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from starcoder_lsp.engines.llama.messages import Request
from starcoder_lsp.engines.llama.process.host import Host
from starcoder_lsp.engines.llama.process.inbox import Inbox
from starcoder_lsp.flow import Limits, Piece, Prompt, Usage


class OneWord:
    """A session that says one word, and notes when it reads on."""

    n_read_on = 0

    def generate(self, *_: object) -> Iterator[Piece]:
        yield Piece("word", Usage(finish_reason="stop"))

    def read_on(self, is_wanted: Callable[[], bool]) -> None:
        self.n_read_on += 1


@pytest.mark.parametrize("reads_on", [True, False])
def test_what_a_prompt_had_no_time_for_is_read_where_that_is_allowed(
    reads_on: bool,
) -> None:
    session = OneWord()
    keeper: Any = SimpleNamespace(session=session, learn=lambda usage: None)
    request = Request("generate", Prompt(()), Limits(reads_on=reads_on))
    pieces = Host(Inbox())._generate(keeper, request, lambda: False)
    assert [piece.text for piece in pieces] == ["word"]
    assert session.n_read_on == reads_on
