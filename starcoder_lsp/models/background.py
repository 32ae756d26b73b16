"""Downloads a model in a child process, so that the server itself opens no socket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.runtime.child import clean_environment, python_module


async def get_in_child(name: str, on_progress: Callable[[float], None]) -> None:
    """Run `starcoder-lsp models get` for the model called `name`.

    `on_progress` is told shares from 0 to 1. Raises DownloadFailed with the command's
    message. Cancelling the task ends the download.
    """
    process = await asyncio.create_subprocess_exec(
        *python_module("starcoder_lsp", "models", "get", name, "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env=clean_environment(),
        cwd=os.sep,
        start_new_session=True,
    )
    assert process.stdout is not None
    message = "the download ended without a message"
    try:
        async for line in process.stdout:
            report = json.loads(line)
            if "share" in report:
                on_progress(report["share"])
            message = report.get("error", message)
        if await process.wait() != 0:
            raise DownloadFailed(message)
    except ValueError as exc:
        raise DownloadFailed("the download printed something unexpected") from exc
    finally:
        if process.returncode is None:
            # The whole group: the process and those that it has started, such as pip.
            os.killpg(process.pid, signal.SIGTERM)
