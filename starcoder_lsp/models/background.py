"""Downloads a model in a child process, so that the server itself opens no socket."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.models.progress import OnReport, Report
from starcoder_lsp.runtime.child import clean_environment, python_module


async def get_in_child(name: str, on_progress: OnReport) -> None:
    """Run `starcoder-lsp models get` for the model called `name`.

    Raises DownloadFailed with the command's message. Cancelling the task ends the
    download; the next one goes on where it stopped.
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
                on_progress(_report_of(report))
            message = report.get("error", message)
        if await process.wait() != 0:
            raise DownloadFailed(message)
    except (ValueError, KeyError, TypeError) as exc:
        raise DownloadFailed("the download printed something unexpected") from exc
    finally:
        if process.returncode is None:
            # The whole group: the process and those that it has started, such as pip.
            os.killpg(process.pid, signal.SIGTERM)


def frame_of(report: Report) -> dict[str, object]:
    """Return a report as the line that the command prints."""
    return {"share": report.share, "left_s": report.left_s, **report.__dict__}


def _report_of(line: dict[str, Any]) -> Report:
    return Report(**{name: line[name] for name in Report.__dataclass_fields__})
