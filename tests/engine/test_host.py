"""The main loop of the engine's process, apart from its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from starcoder_lsp.engines.llama.messages import Asked, EngineRequest
from starcoder_lsp.engines.llama.process.host import Host
from starcoder_lsp.engines.llama.process.inbox import Inbox
from starcoder_lsp.flow import Limits, Piece, Prompt, Usage
from starcoder_lsp.runtime.frames import Frame


class OneWord:
    """A session that says one word, and notes when it reads on."""

    n_read_on = 0

    def generate(self, *_: object) -> Iterator[Piece]:
        yield Piece("word", Usage(finish_reason="stop"))

    def read_on(self, is_wanted: Callable[[], bool]) -> None:
        self.n_read_on += 1


@pytest.mark.parametrize("reads_on", [True, False])
def test_the_rest_of_a_prompt_is_read_later_if_the_request_allows_it(
    reads_on: bool,
) -> None:
    session = OneWord()
    persistence: Any = SimpleNamespace(session=session, learn=lambda usage: None)
    request = EngineRequest("generate", Prompt(()), Limits(reads_on=reads_on))
    pieces = Host(Inbox())._generate(persistence, request, lambda: False)
    assert [piece.text for piece in pieces] == ["word"]
    assert session.n_read_on == reads_on


class Broken(OneWord):
    """A session with a fault of ours in it."""

    n_forgotten = 0

    def generate(self, *_: object) -> Iterator[Piece]:
        raise ZeroDivisionError

    def forget(self) -> None:
        self.n_forgotten += 1


class Listening:
    """A client that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Frame] = []

    def is_cancelled(self, _request_id: int) -> bool:
        return False

    def send(self, frame: Frame) -> None:
        self.heard.append(frame)


def test_a_fault_inside_a_request_is_an_error_of_that_request() -> None:
    session, client = Broken(), Listening()
    host = Host(Inbox())
    host._persistence = SimpleNamespace(session=session)  # type: ignore[assignment]  # as much as is used
    peer: Any = client
    host._answer(peer, Asked(7, EngineRequest("generate")))
    (error,) = client.heard
    assert (error["op"], error["id"], error["is_lasting"]) == ("error", 7, False)
    assert session.n_forgotten == 1


def test_the_front_is_told_of_a_save_before_it_begins() -> None:
    done: list[str] = []

    class Left:
        """An inbox whose last client has left."""

        def next(self) -> None:
            return None

    inbox: Any = Left()
    host = Host(inbox, on_saving=lambda: done.append("told"))
    save = SimpleNamespace(save=lambda: done.append("saved"))
    host._persistence = save  # type: ignore[assignment]  # as much as is used
    host.serve()
    assert done == ["told", "saved"]
