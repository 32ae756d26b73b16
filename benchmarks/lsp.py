"""A blocking LSP client that sends one request at a time to a real server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from editing import State

INITIALIZE = {
    "processId": None,
    "rootUri": None,
    "capabilities": {},
    "initializationOptions": {"notifications": ["didChangeStatus"]},
}


class Server:
    """A starcoder-lsp process, started as editors do; `flags` are its options."""

    def __init__(self, *flags: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "starcoder_lsp", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.log: list[str] = []
        threading.Thread(target=self._read_log, daemon=True).start()
        self._n_requests = 0
        self._version = 1
        self._shown: dict[str, State] = {}
        self.request("initialize", INITIALIZE)
        self.notify("initialized", {})
        while "ready" not in str(self._receive().get("params", {})):
            pass

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def begin(self, method: str, params: dict[str, Any]) -> int:
        self._n_requests += 1
        self._send({"id": self._n_requests, "method": method, "params": params})
        return self._n_requests

    def answer(self, request_id: int) -> Any:
        """Return the result of a request, or None for an error."""
        while (message := self._receive()).get("id") != request_id:
            pass
        return message.get("result")

    def request(self, method: str, params: dict[str, Any]) -> Any:
        return self.answer(self.begin(method, params))

    def show(self, state: State) -> None:
        """Send one small edit that makes the server's document equal to `state`."""
        self.notify(*self.edit(state))

    def edit(self, state: State) -> tuple[str, dict[str, Any]]:
        """Return the notification for `show`; the caller has to send it."""
        uri = f"file:///bench/{state.file}"
        old = self._shown.get(uri)
        self._shown[uri] = state
        if old is None:
            text = state.before + state.after
            item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
            return "textDocument/didOpen", {"textDocument": item}
        self._version += 1
        where, text = state.edit_from(old)
        document = {"uri": uri, "version": self._version}
        edits = [{"range": where, "text": text}]
        params = {"textDocument": document, "contentChanges": edits}
        return "textDocument/didChange", params

    def begin_completion(
        self,
        state: State,
        position: dict[str, int] | None = None,
        *,
        explicit: bool = True,
    ) -> int:
        """Send a request and return its id; `position` saves computing that of `state`."""
        return self.begin(
            "textDocument/inlineCompletion",
            {
                "textDocument": {"uri": f"file:///bench/{state.file}"},
                "position": position or state.position,
                "context": {"triggerKind": 1 if explicit else 2},
            },
        )

    def pids(self) -> list[int]:
        """Return the process ids of the server and its children."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.log.append(line.decode(errors="replace"))

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message
