"""Messages between us and our children: four bytes of length, then JSON.

Large texts may stand behind the JSON as they are, after a line break: the bytes that a
frame has as `raw`. To write and read them as JSON takes ten times as long.

Small enough to read in a debugger, and no pickle: a child's pipe is not trusted.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:  # some children have no use for asyncio, and it takes long to load
    from asyncio import StreamReader

Frame = dict[str, Any]

RAW = "raw"
MAX_FRAME_BYTES = 64 * 1024 * 1024


class BadFrame(Exception):
    """The other side sent something that is not a frame."""


def encode(frame: Frame) -> bytes:
    raw = frame.get(RAW)
    if isinstance(raw, bytes):
        head = _json({key: value for key, value in frame.items() if key != RAW})
        return b"".join((_length(len(head) + 1 + len(raw)), head, b"\n", raw))
    body = _json(frame)
    return _length(len(body)) + body


def _json(frame: Frame) -> bytes:
    """On one line."""
    return json.dumps(frame, separators=(",", ":")).encode()


def _length(n_bytes: int) -> bytes:
    return n_bytes.to_bytes(4, "big")


def decode(body: bytes) -> Frame:
    head, line_break, raw = body.partition(b"\n")
    try:
        frame = json.loads(head)
    except (ValueError, RecursionError) as exc:
        raise BadFrame("not JSON") from exc
    if not isinstance(frame, dict):
        raise BadFrame("not an object")
    return {**frame, RAW: raw} if line_break else frame


def _checked_length(header: bytes, max_bytes: int = MAX_FRAME_BYTES) -> int:
    length = int.from_bytes(header, "big")
    if length > max_bytes:
        raise BadFrame(f"a frame of {length} bytes")
    return length


async def receive(stream: StreamReader) -> Frame | None:
    """The next frame, or None at the end of the stream."""
    try:
        length = _checked_length(await stream.readexactly(4))
        return decode(await stream.readexactly(length))
    except EOFError:
        return None


def read(stream: BinaryIO, max_bytes: int = MAX_FRAME_BYTES) -> Frame | None:
    """Return the next frame as `receive` does, but block; for the child's side."""
    header = stream.read(4)
    if len(header) < 4:
        return None
    length = _checked_length(header, max_bytes)
    body = stream.read(length)
    return decode(body) if len(body) == length else None


def claim_stdout() -> BinaryIO:
    """Keep stdout for the protocol alone.

    From here on `print`, native code and our children write to stderr;
    llama.cpp and what it links against are known to print.
    """
    wire = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return wire
