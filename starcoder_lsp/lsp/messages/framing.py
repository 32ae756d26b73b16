"""Finds messages in a stream of bytes, whatever their headers look like.

Base protocol: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.18/specification/#baseProtocol
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

LENGTH = re.compile(rb"content-length\s*:\s*(\d{1,18})\s*$", re.IGNORECASE)
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
# A longer message is an error of the client: to skip it would take for ever.
MAX_SKIPPED_BYTES = 1024 * 1024 * 1024
MAX_HEADER_BYTES = 1024 * 1024
CHUNK_BYTES = 256 * 1024
# Bytes that we keep of a message that is too large, from each end.
KEPT_BYTES = 64 * 1024
# The longest header that we find behind other bytes.
HEADER_TAIL_BYTES = 64

STRING = rb'"(?:[^"\\]|\\.)*"'
TOKEN = re.compile(STRING + rb"|[{}\[\]]", re.DOTALL)
# A quote inside a JSON string follows a backslash, so these match only real keys.
ID = re.compile(rb'"id"\s*:\s*(-?\d{1,18}(?![\d.eE])|' + STRING + rb")", re.DOTALL)
METHOD = re.compile(rb'"method"\s*:\s*(' + STRING + rb")", re.DOTALL)
URI = re.compile(rb'"uri"\s*:\s*(' + STRING + rb")", re.DOTALL)


class TooLarge(Exception):
    """A message that is too long even to skip."""


@dataclass(frozen=True)
class Skipped:
    """The first and last bytes of a message that is too large to read."""

    n_bytes: int
    first: bytes
    last: bytes


@dataclass(frozen=True)
class Envelope:
    """The parts of a message that can be found without parsing it; None if not found."""

    id: int | str | None = None
    method: str | None = None
    uri: str | None = None


async def read_message(stream: asyncio.StreamReader) -> bytes | Skipped | None:
    """Return the body of the next message, or None at the end of the stream.

    Header names may have any case and line ends may lack the CR. Everything else that is
    not a header is skipped, so that one damaged message does not end the session.
    Raises TooLarge.
    """
    length: int | None = None
    while (line := await _read_line(stream)) is not None:
        if found := LENGTH.search(line):
            length = int(found[1])
        elif not line.strip() and length is not None:
            return await _read_body(stream, length)
    return None


async def _read_line(stream: asyncio.StreamReader) -> bytes | None:
    """Return the next line, or the end of one that is too long; None at the end."""
    before = b""
    while True:
        try:
            return before + await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return None
        except asyncio.LimitOverrunError as exc:
            # This is no header, but the next one may follow without a line end.
            before = (await stream.readexactly(exc.consumed))[-HEADER_TAIL_BYTES:]


async def _read_body(
    stream: asyncio.StreamReader, length: int
) -> bytes | Skipped | None:
    if length > MAX_SKIPPED_BYTES:
        raise TooLarge(f"a message of {length} bytes")
    if length > MAX_MESSAGE_BYTES:
        return await _skip(stream, length)
    try:
        return await stream.readexactly(length)
    except asyncio.IncompleteReadError:
        return None


async def _skip(stream: asyncio.StreamReader, length: int) -> Skipped | None:
    first, last, n_left = b"", b"", length
    while n_left:
        chunk = await stream.read(min(CHUNK_BYTES, n_left))
        if not chunk:
            return None
        n_left -= len(chunk)
        first += chunk[: KEPT_BYTES - len(first)]
        last = (last + chunk)[-KEPT_BYTES:]
    return Skipped(length, first, last)


def envelope_of(first: bytes, last: bytes = b"") -> Envelope:
    """Find the id, method and first URI in the first and last bytes of a message.

    >>> envelope_of(b'{"id":7,"method":"m","params":{"id":8,"uri":"a:b","x":[[[')
    Envelope(id=7, method='m', uri='a:b')
    >>> envelope_of(b'{"params":{"x":[[[', b']]],"uri":"a:b"},"method":"m","id":"7"}')
    Envelope(id='7', method='m', uri='a:b')
    """
    first, last = first[:KEPT_BYTES], last[-KEPT_BYTES:]
    outermost = _outermost(first) + _behind_parameters(last)
    id_, method = ID.search(outermost), METHOD.search(outermost)
    uri = URI.search(first) or URI.search(last)
    return Envelope(_decoded(id_, int, str), _decoded(method, str), _decoded(uri, str))


def _outermost(message: bytes) -> bytes:
    """Return the content of an object without the objects and arrays in it."""
    pieces = []
    depth = end = 0
    for token in TOKEN.finditer(message):
        sign = token[0]
        if depth == 1:
            pieces.append(message[end : token.start()])
        if sign in (b"{", b"["):
            depth += 1
        elif sign in (b"}", b"]"):
            depth -= 1
        elif depth == 1:
            pieces.append(sign)
        end = token.end()
    return b"".join(pieces)


def _behind_parameters(message: bytes) -> bytes:
    """Return the end of an object, after the last object or array in it."""
    content = message.rstrip()[:-1]
    return content[max(content.rfind(b"}"), content.rfind(b"]")) + 1 :]


def _decoded(found: re.Match[bytes] | None, *types: type[Any]) -> Any:
    try:
        value = json.loads(found[1].decode("utf-8", "replace")) if found else None
    except ValueError:
        return None
    return value if type(value) in types else None
