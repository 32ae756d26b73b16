"""Runs programs that a model has completed, each in a process that is cut off."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from starcoder_lsp.cli.eval.measures.isolation import (
    MEMORY_BYTES,
    TIME_LIMIT_S,
    before_start,
)

# Where a system gives no namespaces, this refuses the network and other programs.
GUARD = """
import sys
def refuse(event, arguments):
    if event.partition(".")[0] in ("socket", "subprocess") or event in (
        "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.kill",
        "os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "ctypes.dlopen",
    ):
        raise PermissionError(f"{event} is refused here")
sys.addaudithook(refuse)
del refuse
"""
PYTHON = (sys.executable, "-I", "-S", "-")
# The last characters of the errors of a program that are shown to people.
SHOWN_CHARACTERS = 300


async def passes(program: str, *, time_limit_s: float = TIME_LIMIT_S) -> bool:
    """Run a Python program; True if it ends by itself, in time and without an error."""
    return await fault_of_python(program, time_limit_s=time_limit_s) is None


async def fault_of_python(
    program: str, *, time_limit_s: float = TIME_LIMIT_S
) -> str | None:
    """Run a Python program; return None if it passes, otherwise the last of its errors."""
    source = (GUARD + program).encode(errors="replace")
    with tempfile.TemporaryDirectory() as folder:
        return await _fault(
            PYTHON, folder, {"PATH": ""}, MEMORY_BYTES, time_limit_s, source
        )


async def fault_of(
    steps: Sequence[Sequence[str]],
    name: str,
    program: str,
    environment: Mapping[str, str],
    *,
    memory_bytes: int | None = MEMORY_BYTES,
    time_limit_s: float = TIME_LIMIT_S,
) -> str | None:
    """Write a program to the file `name`, run the steps; return None if all succeed.

    Otherwise return the last lines of errors, or what ended the program.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder, name), program)
        for step in steps:
            fault = await _fault(step, folder, environment, memory_bytes, time_limit_s)
            if fault is not None:
                return fault
    return None


def _write(file: Path, text: str) -> None:
    file.write_text(text, "utf-8", errors="replace")


async def _fault(
    command: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    memory_bytes: int | None,
    time_limit_s: float,
    source: bytes = b"",
) -> str | None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={"HOME": folder, "TMPDIR": folder, **environment},
        start_new_session=True,
        preexec_fn=before_start(folder, memory_bytes),
    )
    try:
        async with asyncio.timeout(time_limit_s):
            _, errors = await process.communicate(source)
    except TimeoutError:
        return f"no end within {time_limit_s:g} s"
    finally:
        # Programs that the program started end with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode == 0:
        return None
    text = errors.decode("utf-8", "replace").strip()
    return text[-SHOWN_CHARACTERS:] or f"exit status {process.returncode}"
