"""Programs run bounded and cut off."""

from __future__ import annotations

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
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import os; os.kill(os.getppid(), 0)",
        "open('/proc/self/exe', 'r+b')",
    ],
)
async def test_what_fails_or_reaches_out_does_not(program: str) -> None:
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
