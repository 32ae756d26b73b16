"""Bytes on the wire: a session whose bytes are damaged.

What can still be read as messages is answered as always; the rest costs no more than
the messages that it touches. A case holds the bytes in parts, as the text that Latin-1 makes
of them, so that it can be made smaller part by part.
"""

from __future__ import annotations

from random import Random

from fuzz import messages, values
from fuzz.session import Session, framed
from starcoder_lsp.engines.scripted import ScriptedEngine

HEADERS = (
    b"content-length: %d\r\n\r\n", b"Content-Length:%d\n\n", b"Content-Length: %d\r\nX: y\r\n\r\n",
    b"\r\n\r\nContent-Length: %d\r\n\r\n", b"noise\nContent-Length: %d\r\n\r\n",
    b"Content-Length: -1\r\n\r\nContent-Length: %d\r\n\r\n",
)  # fmt: skip
BODIES = (
    b"", b"null", b"[]", b"{}", b"42", b"\xff\xfe", b"9" * 5_000, b"[" * 50 + b"]" * 50,
    b'{"jsonrpc":"2.0","id":1e999,"method":"shutdown"}', b'{"jsonrpc":"2.0"}',
    b'{"jsonrpc":"2.0","id":NaN,"method":"x"}', b'{"jsonrpc":"2.0","method":"x","id":1,"id":2}',
    b'[{"jsonrpc":"2.0","id":1,"method":"shutdown"}]',
)  # fmt: skip
DEEP = (b"[" * 100_000, b'{"a":' * 60_000, b'{"a":' * 60_000 + b"1" + b"}" * 60_000)


def make(random: Random) -> list[str]:
    client = messages.Client(random)
    start = {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": messages.initialize(random),
    }
    parts = [framed(start)]
    for _ in range(random.choice((1, 5, 30, 100))):
        part = framed(client.message(0.05))
        if random.random() < 0.2:
            header = random.choice(HEADERS)
            bodies = DEEP if random.random() < 0.01 else BODIES
            body = random.choice((part.partition(b"\r\n\r\n")[2], *bodies))
            part = header % len(body) + body
        if random.random() < 0.1:
            part = values.damaged(random, part)
        parts.append(part)
    return [part.decode("latin-1") for part in parts]


def check(case: list[str]) -> int:
    stream = "".join(case).encode("latin-1")
    Session([stream], ScriptedEngine(["x"])).run()
    return max(stream.lower().count(b"content-length"), 1)
