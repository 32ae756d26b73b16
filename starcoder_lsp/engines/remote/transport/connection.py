"""Sends requests to one server and nowhere else.

No redirect is followed, no cookie is kept, an answer has a limit, and a certificate is
always checked. Closing an answer closes its connection at once.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import secrets
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starcoder_lsp import __version__
from starcoder_lsp.engines.remote.server import RemoteServer
from starcoder_lsp.engines.remote.transport.events import FORMATS, Lines, parsed
from starcoder_lsp.engines.remote.trouble import Trouble, of_answer

CONNECT_S = 5.0
# For a short answer that does not wait for the model.
ANSWER_S = 10.0
# llama-server and vLLM close an idle connection after 5 s.
KEEP_ALIVE_S = 4.0
MAX_CONNECTIONS = 16
# A thousand tokens with their counters are one megabyte.
MAX_ANSWER_BYTES = 8_000_000
# Imported one by one, so that the event loop runs between them.
PARTS = (
    "email.message",
    "zipfile",
    "importlib.metadata",
    "h11",
    "anyio",
    "httpcore2",
    "httpx2",
)


class Connection:
    """The connections to one server. `headers` go with every request."""

    def __init__(self, server: RemoteServer, headers: Mapping[str, str]) -> None:
        self._server = server
        self._headers = headers
        self._client: Any = None
        self._base = _base_of(server)

    async def open(self, key: str) -> None:
        """Make a client that sends `key`.

        Raises Trouble for a CA file that is none, and for a proxy that cannot be used.
        """
        await self.close()
        for name in PARTS:
            importlib.import_module(name)
            await asyncio.sleep(0)
        import httpx2

        try:
            self._client = self._client_with(key)
        except (ImportError, ValueError, httpx2.InvalidURL) as exc:
            # The error may hold the password of the proxy.
            needs = isinstance(exc, ImportError)
            detail = ": SOCKS needs the package socksio" if needs else ""
            raise Trouble("proxy", detail) from None

    def _client_with(self, key: str) -> Any:
        import httpx2

        headers = {
            "User-Agent": f"starcoder-lsp/{__version__}",
            "Accept-Encoding": "identity",
            **self._headers,
            **dict(self._server.headers),
        }
        if key:
            headers["Authorization"] = f"Bearer {key}"
        limits = httpx2.Limits(
            max_connections=MAX_CONNECTIONS, keepalive_expiry=KEEP_ALIVE_S
        )
        verify = _tls(self._server)
        socket = self._server.socket
        return httpx2.AsyncClient(
            headers=headers,
            timeout=httpx2.Timeout(None, connect=CONNECT_S),
            follow_redirects=False,
            # The environment names a proxy for all addresses. One for this machine is
            # needless, and without TLS it would read code and key.
            trust_env=self._server.uses_tls and not self._server.is_here,
            verify=verify,
            limits=limits,
            transport=httpx2.AsyncHTTPTransport(
                uds=socket, limits=limits, verify=verify
            )
            if socket
            else None,
        )

    async def get(self, path: str) -> Any:
        """Return the JSON of an answer. Raises Trouble."""
        return await self._json("GET", path, None)

    async def post(self, path: str, body: object, patience_s: float = ANSWER_S) -> Any:
        """Return the JSON of an answer. Raises Trouble."""
        return await self._json("POST", path, body, patience_s)

    async def _json(
        self, method: str, path: str, body: object, patience_s: float = ANSWER_S
    ) -> Any:
        try:
            async with (
                asyncio.timeout(patience_s),
                self._answer(method, path, body) as chunks,
            ):
                content = b"".join([chunk async for chunk in chunks])
        except TimeoutError:
            raise Trouble("timeout", path=path) from None
        return parsed(content) if content.strip() else None

    async def events(self, path: str, body: object, stream: str) -> AsyncGenerator[Any]:
        """Yield the events of a streamed answer. Raises Trouble."""
        lines, format = Lines(), FORMATS[stream]()
        async with self._answer("POST", path, body) as chunks:
            async for chunk in chunks:
                for line in lines.feed(chunk):
                    for event in format.feed(line):
                        yield event
            for line in lines.end():
                for event in format.feed(line):
                    yield event
            for event in format.end():
                yield event

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: object
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Send a request, and yield the bytes of an answer that is in order."""
        import httpx2

        try:
            response = await self._sent(method, path, body)
            try:
                await _check(response, path)
                async with aclosing(_capped(response)) as chunks:
                    yield chunks
            finally:
                await response.aclose()
        except httpx2.HTTPError as exc:
            raise _trouble_of(exc, path) from None
        finally:
            if self._client is not None:
                self._client.cookies.clear()

    async def _sent(self, method: str, path: str, body: object) -> Any:
        """Send a request; once more if a kept connection turns out to be closed."""
        import httpx2

        client = self._client
        if client is None:
            raise Trouble("gone", path=path)
        request = client.build_request(
            method,
            joined(self._base, path),
            content=None if body is None else json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "X-Request-Id": secrets.token_hex(16),
            },
        )
        try:
            return await client.send(request, stream=True)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            if self._client is not client:
                # We have closed it: another request has met a trouble.
                raise Trouble("gone", path=path) from None
            return await client.send(request, stream=True)


def _base_of(server: RemoteServer) -> str:
    return "http://localhost" if server.socket else server.url.rstrip("/")


def joined(base: str, path: str) -> str:
    """Return the address of a path; users write addresses with and without /v1.

    >>> joined("http://h/v1", "/v1/models"), joined("http://h/x", "/v1/models")
    ('http://h/v1/models', 'http://h/x/v1/models')
    """
    first = "/" + path.strip("/").partition("/")[0]
    if urlsplit(base).path.endswith(first) and path.startswith(first + "/"):
        base = base.removesuffix(first)
    elif base.endswith("/v1"):
        # Its other paths, such as /tokenize, lie beside /v1.
        base = base.removesuffix("/v1")
    return base + path


def _tls(server: RemoteServer) -> ssl.SSLContext:
    """Return how certificates are checked: always, by `ca_file` or the system's list."""
    if not server.uses_tls:
        # Nothing is encrypted, and the system's list would be read for nothing. This
        # context trusts nobody.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not server.ca_file:
        return ssl.create_default_context()
    path = Path(server.ca_file).expanduser()
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as exc:
        reason = exc.strerror or type(exc).__name__
        raise Trouble("tls", f": {path} cannot be used: {reason}") from None


async def _check(response: Any, path: str) -> None:
    """Raise the Trouble that status and body tell of."""
    if 200 <= response.status_code < 300:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise Trouble("not JSON", path=path)
        if response.headers.get("content-type", "").startswith("text/html"):
            raise Trouble("wrong dialect", ": it answers with a web page", path=path)
        return
    body = b""
    try:
        async with asyncio.timeout(ANSWER_S), aclosing(_capped(response)) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > 64_000:
                    break
    except TimeoutError:
        pass
    trouble = of_answer(response.status_code, response.headers, body, path)
    assert trouble is not None
    raise trouble


async def _capped(response: Any) -> AsyncGenerator[bytes]:
    n_bytes = 0
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            n_bytes += len(chunk)
            if n_bytes > MAX_ANSWER_BYTES:
                raise Trouble("too large")
            yield chunk


def _trouble_of(error: Exception, path: str) -> Trouble:
    import httpx2

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            # The text of the reason comes from OpenSSL, not from the server.
            return Trouble("tls", f": {cause.verify_message}", path=path)
        if isinstance(cause, ssl.SSLError):
            return Trouble("tls", f": {cause.reason}", path=path)
        cause = cause.__cause__ or cause.__context__
    if isinstance(
        error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError
    ):
        return Trouble("unreachable", path=path)
    if isinstance(error, httpx2.LocalProtocolError | httpx2.DecodingError):
        return Trouble("server error", path=path)
    if isinstance(error, httpx2.RemoteProtocolError):
        return Trouble("cut short", path=path)
    if isinstance(error, httpx2.TimeoutException):
        return Trouble("timeout", path=path)
    return Trouble("gone", path=path)
