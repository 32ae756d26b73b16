"""Frames, and a stdout that nothing else can write to."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.runtime import frames

values = st.text() | st.integers() | st.booleans() | st.none() | st.lists(st.text())


@given(st.dictionaries(st.text(), values))
def test_a_frame_is_read_as_it_was_sent(frame: frames.Frame) -> None:
    assert frames.read(io.BytesIO(frames.encode(frame))) == frame


@given(st.dictionaries(st.text(), values), st.binary())
def test_texts_travel_beside_the_json(frame: frames.Frame, raw: bytes) -> None:
    frame["raw"] = raw
    assert frames.read(io.BytesIO(frames.encode(frame))) == frame


async def test_frames_are_received_one_by_one() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(frames.encode({"a": 1}) + frames.encode({"b": "😀"}))
    stream.feed_eof()
    assert await frames.receive(stream) == {"a": 1}
    assert await frames.receive(stream) == {"b": "😀"}
    assert await frames.receive(stream) is None


@pytest.mark.parametrize("n_bytes", [0, 1, 4, 5])
def test_a_frame_that_breaks_off_is_the_end(n_bytes: int) -> None:
    assert frames.read(io.BytesIO(frames.encode({"a": 1})[:n_bytes])) is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"\x7f\xff\xff\xff", "^a frame of 2147483647 bytes$"),
        (b"\0\0\0\x01x", "^not JSON$"),
        (b"\0\0\0\x0242", "^not an object$"),
    ],
)
def test_bytes_that_are_not_a_frame_are_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(frames.BadFrame, match=reason):
        frames.read(io.BytesIO(raw))


def test_a_frame_is_its_length_and_short_json() -> None:
    assert frames.encode({"a": [1, 2]}) == b'\0\0\0\x0b{"a":[1,2]}'


def test_frames_are_read_one_by_one_up_to_the_largest_allowed() -> None:
    stream = io.BytesIO(frames.encode({"a": 1}) + frames.encode({"b": 22}))
    n_bytes = len('{"a":1}')
    assert frames.read(stream, n_bytes) == {"a": 1}
    with pytest.raises(frames.BadFrame, match=r"^a frame of 8 bytes$"):
        frames.read(stream, n_bytes)


def test_a_claimed_stdout_carries_the_protocol_alone() -> None:
    program = """
import ctypes, os, subprocess, sys
from starcoder_lsp.runtime import frames
wire = frames.claim_stdout()
print("a print")
sys.__stdout__.write("the old stdout"); sys.__stdout__.flush()
os.write(1, b"a write to the descriptor")
libc = ctypes.CDLL(None); libc.puts(b"native code"); libc.fflush(None)
subprocess.run(["echo", "a child"])
wire.write(b"protocol"); wire.flush()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True
    )
    assert done.stdout == b"protocol"
    for stray in (b"a print", b"the old", b"a write", b"native code", b"a child"):
        assert stray in done.stderr
