"""Tells the user: a status line, progress bars, and few messages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Literal

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from starcoder_lsp.lsp.client.notifications import STATUS, CustomNotifications
from starcoder_lsp.runtime.bounded_dict import BoundedDict
from starcoder_lsp.runtime.printable import printable

logger = logging.getLogger(__name__)

Kind = Literal["Normal", "Error", "Warning", "Inactive"]

TITLE = "starcoder"
CLIENT_PATIENCE_S = 5.0
SAME_CAUSE_S = 600.0
MAX_CHARACTERS = 1000
MAX_TOLD = 1000


class Status:
    """Shows each thing once: a change of state, or a cause of errors."""

    def __init__(
        self,
        server: LanguageServer,
        custom: CustomNotifications,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._custom = custom
        self._clock = clock
        self._told_at: BoundedDict[str, float] = BoundedDict(MAX_TOLD)
        self._last: tuple[object, ...] = ()
        self._bars: dict[str, Progress] = {}

    def show(self, message: str, *, kind: Kind = "Normal", busy: bool = False) -> None:
        message = _presentable(message)
        if (message, kind, busy) == self._last:
            return
        self._last = (message, kind, busy)
        self._custom.send(STATUS, {"busy": busy, "message": message, "kind": kind})

    def tell(self, message: str, *, is_error: bool = True) -> None:
        """Show a message box, at most once in ten minutes for each text."""
        message, now = _presentable(message), self._clock()
        if now - self._told_at.get(message, -SAME_CAUSE_S) < SAME_CAUSE_S:
            return
        self._told_at[message] = now
        logger.warning("%s", message)
        kind = types.MessageType.Error if is_error else types.MessageType.Info
        self._server.window_show_message(types.ShowMessageParams(kind, message))

    async def ask(self, message: str, *answers: str) -> str | None:
        """Return the answer that the user chose; None if there is none.

        Clients without buttons show the message.
        """
        request = types.ShowMessageRequestParams(
            types.MessageType.Info,
            _presentable(message),
            [types.MessageActionItem(answer) for answer in answers],
        )
        try:
            chosen = await self._server.window_show_message_request_async(request)
        except Exception as exc:  # no error of a client is an answer
            logger.info("the client did not ask the user: %s", type(exc).__name__)
            return None
        return chosen.title if chosen else None

    def progress(self, message: str, share: float | None, bar: str = TITLE) -> None:
        """Move a progress bar; the first call starts it."""
        window = self._server.client_capabilities.window
        if not (window and window.work_done_progress):
            return
        if bar not in self._bars:
            token = f"{bar}-{self._clock()}"
            self._bars[bar] = Progress(self._server, bar, token)
        self._bars[bar].report(_presentable(message), share)

    def end_progress(self, bar: str = TITLE) -> None:
        if (progress := self._bars.pop(bar, None)) is not None:
            progress.end()


class Progress:
    """One progress bar. The client may agree late, or never answer."""

    def __init__(self, server: LanguageServer, title: str, token: str) -> None:
        self._work = server.work_done_progress
        self._title = title
        self._token = token
        self._is_open = False
        self._is_over = False
        self._latest = ("", 0)
        self._task = asyncio.create_task(self._begin())

    def report(self, message: str, share: float | None) -> None:
        self._latest = (message, int((share or 0) * 100))
        if self._is_open and not self._is_over:
            text, percentage = self._latest
            self._work.report(
                self._token,
                types.WorkDoneProgressReport(message=text, percentage=percentage),
            )

    def end(self) -> None:
        if self._is_open and not self._is_over:
            self._work.end(self._token, types.WorkDoneProgressEnd())
        self._is_over = True

    async def _begin(self) -> None:
        created = asyncio.ensure_future(self._work.create_async(self._token))
        with contextlib.suppress(Exception):
            await asyncio.wait_for(asyncio.shield(created), CLIENT_PATIENCE_S)
            if self._is_over:
                return
            text, percentage = self._latest
            self._work.begin(
                self._token,
                types.WorkDoneProgressBegin(
                    title=self._title, message=text, percentage=percentage
                ),
            )
            self._is_open = True


def _presentable(message: str) -> str:
    """Names in a message may be of any length, and hold anything."""
    if len(message) > MAX_CHARACTERS:
        message = message[: MAX_CHARACTERS - 1] + "…"
    return printable(message)
