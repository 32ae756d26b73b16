"""Programs run bounded and cut off."""

from __future__ import annotations

import socket
import sys

import pytest

from starcoder_lsp.cli.eval.measures import sandbox


async def test_a_program_that_ends_well_passes() -> None:
    assert await sandbox.passes("assert sorted([2, 1]) == [1, 2]")


@pytest.mark.parametrize(
    "program",
    [
        "assert False",
        "def f(:",
        "raise SystemExit(3)",
        "x = 'x' * (4 << 30)",
        f"import subprocess; subprocess.run([{sys.executable!r}, '-c', ''])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.kill(os.getppid(), 0)",
    ],
)
async def test_what_fails_or_reaches_out_does_not(program: str) -> None:
    assert not await sandbox.passes(program)


async def test_a_port_of_this_machine_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        program = f"import socket; socket.create_connection({address!r})"
        assert not await sandbox.passes(program)


async def test_an_endless_loop_is_ended() -> None:
    assert not await sandbox.passes("while True: pass", time_limit_s=0.5)


async def test_it_sees_nothing_of_the_callers_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STARCODER_SECRET", "1")
    program = "import os; assert 'STARCODER_SECRET' not in os.environ"
    assert await sandbox.passes(program)
    assert await sandbox.passes("import os; assert not os.listdir()")
