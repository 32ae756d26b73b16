"""Cuts the bytes of a streamed answer into events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from starcoder_lsp.engines.remote.trouble import Trouble

# An event holds one token, its text and some counters.
MAX_LINE_BYTES = 1_000_000
# A thousand tokens take a few thousand lines.
MAX_LINES = 50_000
DONE = b"[DONE]"


class Lines:
    """Cuts bytes into lines, whatever their line ends and wherever they are split."""

    def __init__(self) -> None:
        self._rest = b""
        self._n_lines = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that `chunk` completes. Raises Trouble for endless ones."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._n_lines += len(lines)
        if len(self._rest) > MAX_LINE_BYTES or self._n_lines > MAX_LINES:
            raise Trouble("too large")
        for line in lines:
            if len(line) > MAX_LINE_BYTES:
                raise Trouble("too large")
            yield line.removesuffix(b"\r")

    def end(self) -> Iterator[bytes]:
        """Yield the last line, if the answer ends without a line end."""
        if self._rest:
            yield self._rest
        self._rest = b""


class ServerSentEvents:
    """Joins the data lines of each event; comments and other fields are skipped.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    """

    def __init__(self) -> None:
        self._data: list[bytes] = []

    def feed(self, line: bytes) -> Iterator[Any]:
        if not line:
            yield from self.end()
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        # Some servers put no blank line between events: a JSON object is one event.
        elif line.startswith(b"{"):
            yield parsed(line)

    def end(self) -> Iterator[Any]:
        data, self._data = b"\n".join(self._data), []
        if data and data.strip() != DONE:
            yield parsed(data)


class JsonLines:
    """Each line is an event."""

    def feed(self, line: bytes) -> Iterator[Any]:
        if line.strip():
            yield parsed(line)

    def end(self) -> Iterator[Any]:
        return iter(())


EventFormat = ServerSentEvents | JsonLines
FORMATS: Mapping[str, Callable[[], EventFormat]] = {
    "sse": ServerSentEvents,
    "ndjson": JsonLines,
}


def parsed(data: bytes) -> Any:
    """Parse JSON in UTF-8. Raises Trouble."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Trouble("not UTF-8") from None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Trouble("not JSON") from None
