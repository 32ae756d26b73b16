"""Decides which files a remote engine may read."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Hashable
from pathlib import Path

from starcoder_lsp.runtime.bounded_dict import BoundedDict
from starcoder_lsp.runtime.child_output import child_output
from starcoder_lsp.settings.options import Settings

MODULE = "starcoder_lsp.context.files.shown"
NOT_KNOWN = "it is not known yet whether a server may read this file"
MAX_FILES = 1000
# Seconds until a file is checked again. Ignore rules change seldom; the last answer holds
# until the next one.
FRESH_S = 60.0
PATIENCE_S = 10.0


class ShownFiles:
    """The last answers of a child process that reads the ignore rules."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reasons: BoundedDict[Hashable, str] = BoundedDict(MAX_FILES)
        self._asked_at: BoundedDict[Hashable, float] = BoundedDict(MAX_FILES)
        self._tasks: set[asyncio.Task[None]] = set()

    def why_hidden(self, settings: Settings, file: Path | None) -> str:
        """Return why the engine may not read a file; "" if it may.

        An engine on this machine reads what its user does.
        """
        if not settings.engine.is_remote or file is None:
            return ""
        key = file, settings.context.ignore
        if self._clock() - self._asked_at.get(key, -FRESH_S) >= FRESH_S:
            self._asked_at[key] = self._clock()
            task = asyncio.create_task(self._ask(key, file, settings.context.ignore))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._reasons.get(key, NOT_KNOWN)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ask(self, key: Hashable, file: Path, extra: tuple[str, ...]) -> None:
        with contextlib.suppress(TimeoutError):
            answer = await child_output(
                MODULE, str(file), *extra, patience_s=PATIENCE_S
            )
            if answer is not None:
                self._reasons[key] = answer.strip()
