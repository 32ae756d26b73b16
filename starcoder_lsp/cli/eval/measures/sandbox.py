"""Runs a Python program that a model has completed, with limits and without a network.

The program runs in a process with limits on time, memory and file size, in an empty
folder and a network namespace without a network. Where the system gives no such
namespace, an audit hook refuses sockets. The hook also refuses to start other programs.
This protects against accidents, not against an attacker.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import resource
import subprocess
import sys
import tempfile
from functools import cache

TIME_LIMIT_S = 10
MEMORY_BYTES = 1 << 30
FILE_BYTES = 1 << 20
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

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


@cache
def has_namespaces() -> bool:
    """Return whether this system gives a process a network namespace of its own."""
    command = [sys.executable, "-I", "-c", ""]
    try:
        done = subprocess.run(command, preexec_fn=_cut_off, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


async def passes(program: str, *, time_limit_s: float = TIME_LIMIT_S) -> bool:
    """Run a program; True if it ends by itself, in time and without an error."""
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={"PATH": ""},
            start_new_session=True,
            preexec_fn=_bound_and_cut_off if has_namespaces() else _bound,
        )  # fmt: skip
        try:
            async with asyncio.timeout(time_limit_s):
                await process.communicate((GUARD + program).encode(errors="replace"))
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    return process.returncode == 0


def _bound() -> None:
    limits = {
        resource.RLIMIT_CPU: TIME_LIMIT_S,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def _cut_off() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no namespaces here")


def _bound_and_cut_off() -> None:
    _cut_off()
    _bound()
