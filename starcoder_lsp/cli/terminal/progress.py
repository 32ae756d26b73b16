"""A line on the terminal that says what a command waits for."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Short waits need no explanation.
SILENT_S = 0.7
EVERY_S = 0.5
CLEAR_LINE = "\r\x1b[K"


class ProgressLine:
    """Shows `text` and the seconds since it changed, until something else is printed.

    Only on a terminal: a program that reads stderr gets whole lines.
    """

    def __init__(self, text: str = "") -> None:
        self._is_shown = sys.stderr.isatty()
        self._has_line = False
        self.say(text)

    def say(self, text: str) -> None:
        self._text = text
        self._since = time.monotonic()

    def clear(self) -> None:
        """Take the line away, so that something else can be printed in its place."""
        self._text = ""
        if self._has_line:
            self._print(CLEAR_LINE)
        self._has_line = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the line up to date; it is cleared at the end."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            self.clear()

    async def _run(self) -> None:
        while self._is_shown:
            seconds = time.monotonic() - self._since
            if self._text and seconds >= SILENT_S:
                self._print(f"{CLEAR_LINE}{self._text}, {seconds:.0f} s")
                self._has_line = True
            await asyncio.sleep(EVERY_S)

    @staticmethod
    def _print(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
