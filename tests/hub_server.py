"""A small Hugging Face hub on the loopback interface that can misbehave on purpose."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hub:
    """The files of the hub, and how it answers.

    It sends only `cut_after` bytes of the first `n_cuts` bodies, then hangs up; of the
    very first `first_cut_after`. The `n_whole` bodies before them arrive whole. `kinds` are
    the content types of files that have one.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    n_cuts: int = 0
    cut_after: int = 0
    first_cut_after: int | None = None
    ignores_ranges: bool = False
    n_whole: int = 0
    kinds: dict[str, str] = field(default_factory=dict)
    wrong_etag: bool = False
    tokens: set[str | None] = field(default_factory=set)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    endpoint: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None: ...

    def _answer(self, *, with_body: bool) -> None:
        asked = self.headers.get("Range")
        self.hub.tokens.add(self.headers.get("Authorization"))
        self.hub.requests.append((self.command, self.path, asked))
        body = self.hub.files.get(self.path)
        if self.hub.status != 200 or body is None:
            self._refuse(self.hub.status if self.hub.status != 200 else 404)
        else:
            self._send_file(body, asked, with_body=with_body)

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        for name, value in self.hub.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_file(self, body: bytes, asked: str | None, *, with_body: bool) -> None:
        digest = hashlib.sha256(b"x" if self.hub.wrong_etag else body).hexdigest()
        if self.hub.ignores_ranges:
            asked = None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{digest}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        if self.path in self.hub.kinds:
            self.send_header("Content-Type", self.hub.kinds[self.path])
        self.send_header("Content-Length", str(len(body) - start))
        if start:
            end = len(body)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        self.end_headers()
        if with_body:
            self._send_body(body[start:])

    def _send_body(self, body: bytes) -> None:
        if self.hub.n_whole > 0:
            self.hub.n_whole -= 1
        elif self.hub.n_cuts > 0:
            self.hub.n_cuts -= 1
            length, self.hub.first_cut_after = self.hub.first_cut_after, None
            body = body[: self.hub.cut_after if length is None else length]
            self.close_connection = True
        self.wfile.write(body)


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    handler = type("HubHandler", (Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        hub.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield hub
        server.shutdown()
        thread.join()
