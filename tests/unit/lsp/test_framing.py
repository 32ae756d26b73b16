"""Messages are found in whatever bytes a client sends."""

from __future__ import annotations

import asyncio

import pytest

from starcoder_lsp.lsp.messages import framing
from starcoder_lsp.lsp.messages.framing import (
    Envelope,
    Skipped,
    TooLarge,
    envelope_of,
    read_message,
)


async def messages_in(data: bytes) -> list[bytes | Skipped]:
    stream = asyncio.StreamReader(limit=1000)
    stream.feed_data(data)
    stream.feed_eof()
    found = []
    while (message := await read_message(stream)) is not None:
        found.append(message)
    return found


NEXT = b"Content-Length: 4\r\n\r\nnext"


@pytest.mark.parametrize(
    "before",
    [
        b"", b"\r\n\r\n", b"garbage\r\n\r\n", b"Content-Type: x\r\n\r\n{}\n",
        b"Content-Length: -1\r\n\r\n", b"Content-Length: 1e3\r\n\r\n",
        b"Content-Length: 0x10\r\n\r\n", b"Content-Length: \r\n\r\n", b"{}", b"\0" * 5000,
        b"x" * 999, b"x" * 1000, b"x" * 1001, b"x\n" * 2000,
    ],
)  # fmt: skip
async def test_what_is_no_message_is_skipped(before: bytes) -> None:
    assert await messages_in(before + NEXT) == [b"next"]


async def test_a_length_of_nothing_is_an_empty_message() -> None:
    assert await messages_in(b"Content-Length: 0\r\n\r\n" + NEXT) == [b"", b"next"]


async def test_a_length_that_is_too_long_takes_from_what_follows() -> None:
    data = b"Content-Length: 30\r\n\r\n{}" + NEXT * 3
    damaged, *others = await messages_in(data)
    assert isinstance(damaged, bytes)
    assert len(damaged) == 30
    assert others == [b"next"]


async def test_a_message_that_is_cut_off_is_none() -> None:
    assert await messages_in(b"Content-Length: 30\r\n\r\n{}") == []


async def test_what_is_too_large_is_skipped_but_for_its_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(framing, "MAX_MESSAGE_BYTES", 10)
    monkeypatch.setattr(framing, "KEPT_BYTES", 3)
    data = b"Content-Length: 11\r\n\r\nabcdefghijk" + NEXT
    assert await messages_in(data) == [Skipped(11, b"abc", b"ijk"), b"next"]


async def test_what_would_never_end_is_not_skipped() -> None:
    with pytest.raises(TooLarge):
        await messages_in(b"Content-Length: 99999999999999\r\n\r\n")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", Envelope()),
        (b"\0\0\0", Envelope()),
        (b'{"params":{"id":1,"method":"x"}}', Envelope()),
        (b'{"id":1.5,"method":7}', Envelope()),
        (b'{"id":null,"method":"a\\u0062"}', Envelope(None, "ab")),
        (b'{"method":"m","text":"\\"id\\":1,\\"uri\\":\\"x\\""}', Envelope(None, "m")),
        (b'{"id":-5,"method":"m","params":[{"uri":"a"},{"uri":"b"}]}', Envelope(-5, "m", "a")),
    ],
)  # fmt: skip
def test_an_envelope_is_read_outside_of_values(
    message: bytes, expected: Envelope
) -> None:
    assert envelope_of(message) == expected
    assert envelope_of(message, message) == expected
