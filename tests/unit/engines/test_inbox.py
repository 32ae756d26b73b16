"""Clients of one engine: a bad one costs itself only."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.messages import (
    Asked,
    Cancelled,
    EngineRequest,
    Load,
    cancel_frame,
    load_frame,
    request_frame,
)
from starcoder_lsp.engines.llama.process import inbox as inbox_module
from starcoder_lsp.engines.llama.process.door import admit
from starcoder_lsp.engines.llama.process.inbox import Inbox
from starcoder_lsp.engines.llama.process.incoming import message_from
from starcoder_lsp.flow import Control, Group, Limits, Prompt, Text
from starcoder_lsp.runtime import frames
from starcoder_lsp.runtime.frames import BadFrame, Frame
from starcoder_lsp.runtime.log import LogTarget

LOAD = Load("m.gguf", "f", 1024, ("<a>",), {"key": 6}, n_gpu_layers=None)
PROMPT = Prompt(
    (Control("<a>"), Group((Control("<b>"), Text("x"))), Text("y", "start")),
    "held",
    ("<c>",),
    "beyond",
)
REQUESTS = [
    EngineRequest("generate", PROMPT, Limits(max_tokens=5, yields=True)),
    EngineRequest("candidates", PROMPT, n_wanted=3),
    EngineRequest("score", PROMPT, texts=("a", "b")),
    EngineRequest("count_tokens", texts=("a",)),
]
FRAMES = [load_frame(LOAD), cancel_frame(7), *(request_frame(7, r) for r in REQUESTS)]


def over_the_wire(frame: Frame) -> Frame:
    return frames.decode(frames.encode(frame)[4:])


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.verb)
def test_requests_arrive_as_they_were_sent(request_: EngineRequest) -> None:
    frame = over_the_wire(request_frame(7, request_))
    assert message_from(frame) == Asked(7, request_)


def test_other_messages_arrive_as_they_were_sent() -> None:
    assert message_from(over_the_wire(load_frame(LOAD))) == LOAD
    assert message_from(over_the_wire(cancel_frame(7))) == Cancelled(7)


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.sampled_from(FRAMES), st.data())
def test_a_part_that_is_wrong_makes_a_bad_frame_or_no_difference(
    frame: Frame, data: st.DataObject
) -> None:
    sound = over_the_wire(frame)
    key = data.draw(st.sampled_from(sorted(sound)))
    odd = {**sound, key: data.draw(ODD)}
    if data.draw(st.booleans()):
        del odd[key]
    try:
        message = message_from(odd)
    except BadFrame:
        return
    if isinstance(message, Asked):
        again = request_frame(message.id, message.request)
    elif isinstance(message, Load):
        again = load_frame(message)
    elif isinstance(message, LogTarget):
        return
    else:
        again = cancel_frame(message.id)
    assert message_from(over_the_wire(again)) == message


@contextmanager
def client_of(inbox: Inbox) -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    admit(theirs, inbox)
    with ours:
        assert heard(ours)["op"] == "welcome"
        yield ours


def heard(client: socket.socket) -> Frame:
    """The next frame; nothing is read that follows it."""
    length = int.from_bytes(client.recv(4, socket.MSG_WAITALL), "big")
    return frames.decode(client.recv(length, socket.MSG_WAITALL))


def sent(client: socket.socket, *wanted: Frame) -> None:
    client.sendall(b"".join(map(frames.encode, wanted)))


@pytest.fixture
def inbox() -> Inbox:
    # What ends this process when the last client has left waits for ever.
    inbox = Inbox()
    inbox.patience_s = 1e6
    return inbox


ASKED = request_frame(1, REQUESTS[0])
WITHOUT_ID = {key: value for key, value in ASKED.items() if key != "id"}


@pytest.mark.parametrize(
    "said",
    [
        frames.encode({"op": "cancel"}),
        frames.encode({"op": "cancel", "id": "x"}),
        frames.encode(WITHOUT_ID),
        frames.encode({**ASKED, "limits": {"max_tokens": "many"}}),
        frames.encode({**ASKED, "segments": [["text", 5, "never"]]}),
        frames.encode({**load_frame(LOAD), "n_context": "x"}),
        frames.encode({"op": "dance"}),
        frames.encode({}),
        b"\xff\xff\xff\xff",
        b"\0\0\0\x02[]",
        b"\0\0\0\x02{",
    ],
)
def test_a_malformed_message_sends_its_client_away_and_nobody_else(
    inbox: Inbox, said: bytes
) -> None:
    with client_of(inbox) as good:
        with client_of(inbox) as bad:
            bad.sendall(said)
            bad.shutdown(socket.SHUT_WR)
            assert bad.recv(1) == b""
        sent(good, ASKED)
        wanted = inbox.next()
        assert wanted is not None
        assert wanted[1] == Asked(1, REQUESTS[0])
    assert inbox.next() is None


def test_requests_beyond_the_limit_are_refused_one_by_one(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, "MAX_PENDING", 2)
    with client_of(inbox) as client:
        sent(client, *(request_frame(n, REQUESTS[3]) for n in (1, 2, 3)))
        error = heard(client)
        assert (error["op"], error["id"]) == ("error", 3)
        assert "more than 2 requests" in error["message"]
        answered = [inbox.next(), inbox.next()]
        assert [one and getattr(one[1], "id", 0) for one in answered] == [1, 2]


def test_a_client_that_does_not_read_is_given_up(inbox: Inbox) -> None:
    with client_of(inbox) as good, client_of(inbox) as deaf:
        sent(deaf, ASKED)
        wanted = inbox.next()
        assert wanted is not None
        peer, _ = wanted
        large = messages.failed_frame("x" * 100_000)
        while not peer.is_gone:
            peer.send(large)
        sent(good, ASKED)
        wanted = inbox.next()
        assert wanted is not None
        assert wanted[0] is not peer
    assert inbox.next() is None


def test_clients_take_turns(inbox: Inbox) -> None:
    with client_of(inbox) as one, client_of(inbox) as other:
        sent(one, *(request_frame(n, REQUESTS[3]) for n in range(20)))
        sent(other, request_frame(99, REQUESTS[3]))
        while sum(len(peer.requests) for peer in inbox._peers) < 21:
            time.sleep(0.001)
        taken = [inbox.next(), inbox.next()]
        assert [one and getattr(one[1], "id", None) for one in taken] == [0, 99]


def test_only_the_newest_cancels_are_remembered(inbox: Inbox) -> None:
    with client_of(inbox) as client:
        sent(client, *map(cancel_frame, range(500)), ASKED)
        wanted = inbox.next()
        assert wanted is not None
        peer, _ = wanted
        assert peer.is_cancelled(499)
        assert not peer.is_cancelled(100)


def test_a_request_of_another_verb_is_no_request() -> None:
    frame = request_frame(1, replace(REQUESTS[0], verb="erase"))
    with pytest.raises(BadFrame, match="unknown"):
        message_from(frame)
