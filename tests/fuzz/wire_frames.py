"""Frames between our processes: what is damaged is refused, the rest arrives as sent."""

from __future__ import annotations

import asyncio
import io
from random import Random
from typing import Any

from fuzz import values, virtual_time
from starcoder_lsp.runtime import frames

REFUSED = "refused"


def make(random: Random) -> bytes:
    raw = b""
    for _ in range(random.randint(1, 4)):
        frame = {values.text(random, 4): values.json_value(random) for _ in range(3)}
        if random.random() < 0.3:
            frame["raw"] = random.choice((b"\n{}\n", b"\x00\xff", b""))
        raw += frames.encode(frame)
    return values.damaged(random, raw) if random.random() < 0.9 else raw


def check(case: bytes) -> int:
    """Both readers see the same frames, and writing one of them makes it again."""
    blocking = _read(case)
    assert _normal(virtual_time.run(_received(case))) == _normal(blocking)
    for frame in blocking:
        if isinstance(frame, dict):
            again = frames.read(io.BytesIO(frames.encode(frame)))
            assert _normal(again) == _normal(frame), "a frame changes"
    return len(blocking)


def _read(raw: bytes) -> list[Any]:
    stream = io.BytesIO(raw)
    found: list[Any] = []
    try:
        while (frame := frames.read(stream)) is not None:
            found.append(frame)
    except frames.BadFrame:
        found.append(REFUSED)
    return found


async def _received(raw: bytes) -> list[Any]:
    stream = asyncio.StreamReader()
    found: list[Any] = []
    stream.feed_data(raw)
    stream.feed_eof()
    try:
        while (frame := await frames.receive(stream)) is not None:
            found.append(frame)
    except frames.BadFrame:
        found.append(REFUSED)
    return found


def _normal(found: Any) -> str:
    """Return frames as text, because NaN is not equal to itself."""
    return repr(found)
