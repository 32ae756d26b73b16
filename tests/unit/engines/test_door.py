"""Strangers at the door of a shared engine, with a real socket in this process."""

from __future__ import annotations

import os
import resource
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.engines.llama.process import door, inbox
from starcoder_lsp.engines.llama.process.door import Door
from starcoder_lsp.engines.llama.process.inbox import Inbox
from starcoder_lsp.engines.llama.rendezvous import Rendezvous
from starcoder_lsp.runtime import frames
from starcoder_lsp.runtime.frames import Frame

# No test ends this process, as a daemon whose last client has left does.
FOR_EVER = 1e6
Connect = Callable[[], socket.socket]


@pytest.fixture
def place() -> Iterator[Rendezvous]:
    """A socket's name has to be short."""
    with tempfile.TemporaryDirectory(prefix="sl") as folder:
        place = Rendezvous(Path(folder), "engine")
        place.new_token()
        yield place


@pytest.fixture
def box() -> Inbox:
    return Inbox(grace_s=FOR_EVER)


@pytest.fixture
def connect(place: Rendezvous, box: Inbox) -> Iterator[Connect]:
    """Connects to a door that is open."""
    opened: list[socket.socket] = []

    def connect() -> socket.socket:
        opened.append(socket.socket(socket.AF_UNIX))
        opened[-1].connect(str(place.address))
        opened[-1].settimeout(30)
        return opened[-1]

    Door(place.listen(), place, box).open()
    yield connect
    for connection in opened:
        connection.close()


def answer(connection: socket.socket) -> Frame | None:
    if not (length := connection.recv(4, socket.MSG_WAITALL)):
        return None
    n_bytes = int.from_bytes(length, "big")
    return frames.decode(connection.recv(n_bytes, socket.MSG_WAITALL))


def hello(place: Rendezvous) -> bytes:
    return frames.encode({"op": "hello", "token": place.token()})


def is_welcome(connection: socket.socket, place: Rendezvous) -> bool:
    connection.sendall(hello(place))
    return answer(connection) == {"op": "welcome", "pid": os.getpid()}


def test_whoever_knows_the_token_is_welcome(
    connect: Connect, place: Rendezvous
) -> None:
    assert is_welcome(connect(), place)


def test_strangers_who_say_nothing_lock_nobody_out(
    connect: Connect, place: Rendezvous
) -> None:
    strangers = [connect() for _ in range(200)]
    assert is_welcome(connect(), place)
    refused = strangers[: -door.MAX_GUESTS]
    assert [(answer(one) or {}).get("op") for one in refused] == [
        "refused" for _ in refused
    ]


@pytest.mark.parametrize("said", [b"", b"\0", b"\0\0\0\x05{"])
def test_a_hello_that_does_not_come_to_an_end_has_its_time(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(door, "HELLO_PATIENCE_S", 0.1)
    stranger = connect()
    stranger.sendall(said)
    assert answer(stranger) == {"op": "refused", "reason": "it took too long"}


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\0\0\0\x02[]",
        b'\0\0\0\x04{"a"',
        frames.encode({"op": "hello", "token": 5}),
        frames.encode({"op": "hello", "token": "\ud800"}),
        frames.encode({"op": "hello", "token": "x" * 900}),
    ],
)
def test_a_hello_that_is_none_is_refused(
    connect: Connect, place: Rendezvous, said: bytes
) -> None:
    stranger = connect()
    stranger.sendall(said)
    refusal: dict[str, Any] = answer(stranger) or {}
    assert refusal["reason"] == "it does not know the token"
    assert is_welcome(connect(), place)


def test_a_hello_may_come_byte_by_byte(connect: Connect, place: Rendezvous) -> None:
    client = connect()
    for byte in hello(place):
        client.send(bytes([byte]))
    assert (answer(client) or {})["op"] == "welcome"


def test_what_follows_the_hello_is_not_lost(
    connect: Connect, place: Rendezvous, box: Inbox
) -> None:
    client = connect()
    load = {"op": "load", "path": "m", "family": "f", "n_context": 8, "controls": []}
    client.sendall(hello(place) + frames.encode(load))
    wanted = box.next()
    assert wanted is not None
    assert getattr(wanted[1], "path", None) == "m"


def test_an_editor_too_many_is_told_so(
    connect: Connect, place: Rendezvous, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MAX_CLIENTS", 2)
    assert is_welcome(connect(), place)
    assert is_welcome(connect(), place)
    third = connect()
    third.sendall(hello(place))
    assert "editors use it already" in (answer(third) or {})["reason"]


def test_too_many_open_files_close_the_door_for_a_while_only(
    place: Rendezvous, box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "PAUSE_S", 0.01)
    opened = Door(place.listen(), place, box)
    opened.open()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket(socket.AF_UNIX) as early, socket.socket(socket.AF_UNIX) as late:
        early.connect(str(place.address))
        while not opened._guests:
            time.sleep(0.001)
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            late.connect(str(place.address))
            assert (answer(early) or {})["op"] == "refused"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert is_welcome(late, place)
