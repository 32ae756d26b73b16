"""Runs a module in a process of its own for what it prints."""

from __future__ import annotations

import asyncio

from starcoder_lsp.runtime.child import clean_environment, python_module


async def child_output(module: str, *arguments: str, patience_s: float) -> str | None:
    """Return what a module prints; None if it fails.

    Raises TimeoutError when it is not done in time. It ends with the task that waits.
    """
    process = await asyncio.create_subprocess_exec(
        *python_module(module, *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=clean_environment(),
    )
    try:
        async with asyncio.timeout(patience_s):
            answer, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return None if process.returncode else answer.decode(errors="replace")
