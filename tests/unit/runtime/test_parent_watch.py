"""A child ends with its parent, whatever it is doing when the parent ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from starcoder_lsp.engines.llama.messages import Load, load_frame
from starcoder_lsp.runtime import frames, parent_watch
from starcoder_lsp.runtime.child import python_module
from starcoder_lsp.runtime.frames import Frame

PATIENCE_S = 60.0
needs_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells stopped processes"
)
# Starts its arguments as a child, which has our stdin and stdout, and waits to be killed.
PARENT = """
import subprocess, sys
from starcoder_lsp.runtime.child import clean_environment
child = subprocess.Popen(sys.argv[1:], env=clean_environment())
sys.stderr.write(f"{child.pid}\\n")
child.wait()
"""
CHILD = """
import asyncio, re, sys, time
from starcoder_lsp.runtime import parent_watch
parent_watch.POLL_S = parent_watch.SAVE_S = 0.05
parent_watch.STUCK_S = 1.0
parent_watch.{end}
print("ready", flush=True)
"""
AT_ONCE = "end_with_parent()"
SOON = "end_soon_after_parent()"
LIMITED = "end_soon_after_parent(has_compute_limit=True)"
SLEEPS = "time.sleep(600)"
NEVER_YIELDS = """
async def spin():
    while True:
        pass
asyncio.run(spin())
"""
# It holds the interpreter's lock, so that no other thread runs.
NATIVE = 're.match("(a+)+$", "a" * 60 + "b")'


class Orphan:
    """A child whose parent the test can end; the test holds its input open."""

    def __init__(self, *command: str) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-P", "-c", PARENT, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._parent.stderr is not None
        self.pid = int(self._parent.stderr.readline())

    def read_line(self) -> bytes:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline()

    def ask(self, request: Frame) -> Frame | None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(frames.encode(request))
        self._parent.stdin.flush()
        return frames.read(cast(BinaryIO, self._parent.stdout))

    def kill_parent(self) -> None:
        self._parent.kill()

    def close_input(self) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.stdin = None

    async def until_ended(self) -> None:
        """Wait for the end of its output, which no other process holds."""
        assert self._parent.stdout is not None
        reading = asyncio.to_thread(self._parent.stdout.read)
        await asyncio.wait_for(reading, PATIENCE_S)

    def close(self) -> None:
        self._parent.kill()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._parent.communicate()


@contextmanager
def orphan_of(*command: str) -> Iterator[Orphan]:
    orphan = Orphan(*command)
    try:
        yield orphan
    finally:
        orphan.close()


def program(end: str, work: str) -> list[str]:
    return [sys.executable, "-P", "-c", CHILD.format(end=end) + work]


@pytest.mark.parametrize(
    ("end", "work"),
    [
        (AT_ONCE, SLEEPS),
        (AT_ONCE, NEVER_YIELDS),
        pytest.param(AT_ONCE, NATIVE, marks=needs_linux),
        (SOON, SLEEPS),
        (SOON, NEVER_YIELDS),
        (LIMITED, NATIVE),
    ],
)
async def test_a_busy_child_ends_with_its_parent(end: str, work: str) -> None:
    with orphan_of(*program(end, work)) as child:
        assert child.read_line() == b"ready\n"
        child.kill_parent()
        await child.until_ended()


@needs_linux
@pytest.mark.parametrize("end", [AT_ONCE, SOON])
async def test_a_stopped_child_ends_with_its_parent(end: str) -> None:
    with orphan_of(*program(end, SLEEPS)) as child:
        assert child.read_line() == b"ready\n"
        os.kill(child.pid, signal.SIGSTOP)
        child.kill_parent()
        await child.until_ended()


@pytest.mark.parametrize("end", [AT_ONCE, SOON])
async def test_where_the_kernel_does_not_help_a_thread_does(end: str) -> None:
    without = "parent_watch._ask_kernel_for = lambda signal: False\nparent_watch."
    command = program(end, NEVER_YIELDS)
    command[-1] = command[-1].replace("parent_watch.end", without + "end")
    with orphan_of(*command) as child:
        assert child.read_line() == b"ready\n"
        child.kill_parent()
        await child.until_ended()


@pytest.mark.parametrize("end", [AT_ONCE, SOON])
def test_a_child_whose_parent_ended_before_the_watch_began_ends_at_once(
    end: str,
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    done = subprocess.run(
        program(end, SLEEPS),
        env={**os.environ, parent_watch.PARENT: str(gone.pid)},
        capture_output=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize("named", [None, "", "garbage"])
def test_a_process_without_a_named_parent_is_not_watched(named: str | None) -> None:
    environment = {} if named is None else {parent_watch.PARENT: named}
    work = "import threading; print(threading.active_count())"
    done = subprocess.run(
        program(LIMITED, work),
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"ready\n1\n"


def test_a_grandchild_is_not_told_of_its_grandparent() -> None:
    done = subprocess.run(
        program(AT_ONCE, f"import os; print({parent_watch.PARENT!r} in os.environ)"),
        env=parent_watch.naming_parent(os.environ),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"ready\nFalse\n"


async def test_a_child_gets_the_time_to_save_its_work(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    work = f"sys.stdin.read()\nopen({str(saved)!r}, 'w').close()"
    command = program(SOON, work)
    command[-1] = command[-1].replace("SAVE_S = 0.05", "SAVE_S = 60.0")
    with orphan_of(*command) as child:
        assert child.read_line() == b"ready\n"
        child.kill_parent()
        child.close_input()
        await child.until_ended()
    assert saved.exists()


# Each of our children, and something it answers once it has come up.
CHILDREN: dict[str, tuple[list[str], Frame]] = {
    "indexer": (
        python_module("starcoder_lsp.context.indexer.process"),
        {"op": "statistics", "id": 1},
    ),
    "worker": (
        python_module("starcoder_lsp.context.worker_process"),
        {"op": "digest", "path": "/none"},
    ),
    "engine": (
        python_module("starcoder_lsp.engines.llama.process.host"),
        load_frame(Load("/no/such/model", "plain", 512)),
    ),
}


@needs_linux
@pytest.mark.parametrize("name", CHILDREN)
async def test_each_child_ends_with_its_parent_also_when_it_is_stopped(
    name: str,
) -> None:
    command, request = CHILDREN[name]
    with orphan_of(*command) as child:
        assert child.ask(request) is not None
        os.kill(child.pid, signal.SIGSTOP)
        child.kill_parent()
        await child.until_ended()


async def test_a_program_that_is_not_ours_ends_with_its_parent() -> None:
    command = [sys.executable, "-P", "-m", parent_watch.__name__, "timeit"]
    endless = ["-s", "print('ready', flush=True)", "-n", "1000000000000", "pass"]
    with orphan_of(*command, *endless) as child:
        assert child.read_line() == b"ready\n"
        child.kill_parent()
        await child.until_ended()
