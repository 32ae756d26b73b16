"""Sends answers, notifications and our own requests to the client."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Code = types.ErrorCodes | types.LSPErrorCodes


class Outgoing(LanguageServerProtocol):
    """The part of the protocol that sends messages, and reads the answers to our requests."""

    def _refuse(self, request_id: int | str | None, code: Code, text: str) -> None:
        error = {"code": int(code), "message": text}
        self._send_data({"jsonrpc": "2.0", "id": request_id, "error": error})

    def notify(self, method: str, params: Any = None) -> None:
        """Send a notification, unless the client does not read."""
        if not getattr(self.writer, "is_behind", False):
            super().notify(method, params)

    async def until_read(self) -> None:
        """Wait while too much is unread by the client."""
        if getattr(self.writer, "is_behind", False):
            await self.writer.until_read()  # type: ignore[union-attr]  # a PipeWriter

    def _send_data(self, data: Any) -> None:
        if self.writer is None:
            return
        body = json.dumps(data, default=self._serialize_message)
        header = f"Content-Length: {len(body)}\r\n\r\n"
        self.writer.write((header + body).encode())

    def _send_handler_result(self, future: Any, *, msg_id: Any) -> None:
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            self._result_types.pop(msg_id, None)
            code = types.LSPErrorCodes.RequestCancelled
            self._refuse(msg_id, code, "the request was cancelled")
        elif (exc := future.exception()) is None:
            self._send_response(msg_id, result=future.result())
        elif (
            isinstance(exc, JsonRpcException)
            and exc.code != types.ErrorCodes.InternalError
        ):
            self._result_types.pop(msg_id, None)
            self._send_response(msg_id, error=exc.to_response_error())
        else:
            self._result_types.pop(msg_id, None)
            report(logger, "a request", exc)
            text = f"internal error ({type(exc).__name__}); the log tells more"
            self._refuse(msg_id, types.ErrorCodes.InternalError, text)

    def _check_handler_result(self, future: Any) -> None:
        if not future.cancelled() and (exc := future.exception()) is not None:
            report(logger, "a notification", exc)

    def _receive_answer(self, message: Message) -> None:
        """Resolve our request that this answers; ignore all other answers."""
        response_id = id_of(message)
        future = self._request_futures.get(response_id)  # type: ignore[arg-type]  # None is in no dictionary
        if future is None or isinstance(future, asyncio.Task):
            return  # unknown, or a request of the client's
        if future.done():
            # We no longer wait; pygls would raise (its issue 621).
            self._request_futures.pop(response_id, None)  # type: ignore[arg-type]  # found
            return
        if "result" in message and message.get("error") is None:
            message.pop("error", None)  # some clients send both
        try:
            structured = self.structure_message(message)
        except JsonRpcException as exc:
            self._request_futures.pop(response_id, None)  # type: ignore[arg-type]  # found
            future.set_exception(exc)
        else:
            self.handle_message(structured)


def id_of(message: Any) -> int | str | None:
    """Return the id of a message; None if it has none that can be answered."""
    found = message.get("id") if isinstance(message, dict) else None
    return found if type(found) in (int, str) else None


def report(to: logging.Logger, what: str, exc: BaseException) -> None:
    """Log an internal error; its text, which may hold source text, only at DEBUG."""
    frame = traceback.extract_tb(exc.__traceback__)[-1:]
    where = f" at {frame[0].filename}:{frame[0].lineno}" if frame else ""
    to.error("%s failed: %s%s", what, type(exc).__name__, where)
    to.debug("%s failed", what, exc_info=exc)
