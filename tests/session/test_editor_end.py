"""The server ends with its editor, even if another process holds its stdin open."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from conftest import StartServer
from lsp_client import PATIENCE_S

from starcoder_lsp.lsp.client import editor_watch

SERVER = [sys.executable, "-P", "-m", "starcoder_lsp", "serve"]
# Starts a server, alone or below a shell, and waits to be killed.
EDITOR = "import subprocess, sys; subprocess.call(sys.argv[1:])"
BELOW_A_SHELL = ["sh", "-c", '"$@"; true', "sh"]


class Editor:
    """An editor with a server; the test holds the ends of the server's pipes."""

    def __init__(self, *wrapper: str) -> None:
        command = [sys.executable, "-c", EDITOR, *wrapper, *SERVER]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def initialize(self) -> None:
        self.ask("initialize", processId=self.pid, rootUri=None, capabilities={})

    def ask(self, method: str, **params: Any) -> None:
        """Send a request, and wait for its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()
        assert self.process.stdout.readline().startswith(b"Content-Length")

    def close_output(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()

    async def until_server_ended(self) -> None:
        """Wait for the end of stderr, which the server shares with its children."""
        assert self.process.stderr is not None
        reading = asyncio.to_thread(self.process.stderr.read)
        await asyncio.wait_for(reading, PATIENCE_S)


@contextmanager
def editor_of(*wrapper: str) -> Iterator[Editor]:
    editor = Editor(*wrapper)
    try:
        yield editor
    finally:
        editor.process.kill()
        for pipe in (editor.process.stdin, editor.process.stdout):
            assert pipe is not None
            pipe.close()
        editor.process.wait()
        assert editor.process.stderr is not None
        editor.process.stderr.close()


@pytest.mark.parametrize("is_reaped", [True, False])
async def test_the_server_ends_with_an_editor_that_has_just_initialized_it(
    is_reaped: bool,
) -> None:
    with editor_of(*BELOW_A_SHELL) as editor:
        editor.initialize()
        editor.process.kill()
        if is_reaped:
            editor.process.wait()
        await editor.until_server_ended()


async def test_the_server_ends_with_an_editor_that_never_initialized_it() -> None:
    with editor_of() as editor:
        editor.ask("too/early")
        editor.process.kill()
        await editor.until_server_ended()


async def test_the_server_ends_when_nobody_reads_its_answers() -> None:
    with editor_of(*BELOW_A_SHELL) as editor:
        editor.close_output()
        await editor.until_server_ended()


async def test_an_editor_whose_process_does_not_exist_here_is_served(
    start_server: StartServer,
) -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    client = await start_server()
    await client.initialize(processId=gone.pid)
    assert await client.shutdown() == 0


async def named(pid: int | None) -> int | None:
    return pid


@pytest.mark.parametrize("has_descriptors", [True, False])
async def test_a_process_that_ends_is_noticed(
    monkeypatch: pytest.MonkeyPatch, has_descriptors: bool
) -> None:
    monkeypatch.setattr(editor_watch, "POLL_S", 0.01)
    if not has_descriptors:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)  # fmt: skip
    watch = asyncio.create_task(
        editor_watch.until_gone(os.getppid(), named(editor.pid))
    )
    await asyncio.sleep(0.1)
    assert not watch.done()
    editor.kill()
    await editor.wait()
    await asyncio.wait_for(watch, PATIENCE_S)


@pytest.mark.parametrize("pid", [None, -1, 0, 2**40])
@pytest.mark.parametrize("has_descriptors", [True, False])
async def test_an_editor_without_a_process_id_does_not_count_as_ended(
    monkeypatch: pytest.MonkeyPatch, has_descriptors: bool, pid: int | None
) -> None:
    monkeypatch.setattr(editor_watch, "POLL_S", 0.01)
    if not has_descriptors:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    watch = asyncio.create_task(
        editor_watch.until_gone(os.getppid(), named(editor_watch.visible(pid)))
    )
    await asyncio.sleep(0.05)
    assert not watch.done()
    watch.cancel()


async def test_an_editor_that_ends_before_it_is_watched_has_ended() -> None:
    editor = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)  # fmt: skip
    pid = editor_watch.visible(editor.pid)
    assert pid == editor.pid
    editor.kill()
    await editor.wait()
    await asyncio.wait_for(
        editor_watch.until_gone(os.getppid(), named(pid)), PATIENCE_S
    )


async def test_another_parent_than_at_the_start_means_that_the_editor_has_ended() -> (
    None
):
    await asyncio.wait_for(
        editor_watch.until_gone(1_000_000_000, named(None)), PATIENCE_S
    )
