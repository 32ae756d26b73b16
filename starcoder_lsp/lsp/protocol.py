"""Reads messages, and gives each request exactly one answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator
from typing import Any
from typing import Protocol as Interface

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, lsp_method

from starcoder_lsp.lsp.messages import json_in_steps
from starcoder_lsp.lsp.messages.framing import Envelope, Skipped, envelope_of
from starcoder_lsp.lsp.messages.inline_params import with_formatting
from starcoder_lsp.lsp.messages.outgoing import Message, Outgoing, id_of, report
from starcoder_lsp.lsp.messages.tolerant import tolerated

logger = logging.getLogger(__name__)

Errors = types.ErrorCodes

# Notifications that pygls handles. Our own handlers read raw parameters.
READ_BY_PYGLS = frozenset((types.SET_TRACE, types.WINDOW_WORK_DONE_PROGRESS_CANCEL))
# Characters of a client's text that an error message repeats.
MAX_ECHO = 200
NO_CLIENT: Message = {"processId": None, "rootUri": None, "capabilities": {}}


class Session(Interface):
    """The part of the server that the protocol uses."""

    def adjust_capabilities(
        self, capabilities: types.ServerCapabilities, params: types.InitializeParams
    ) -> None: ...

    def stop(self, status: int) -> None: ...


class Protocol(Outgoing):
    """pygls' protocol, with our own reading of messages."""

    _server: Session  # type: ignore[assignment]  # all we use of it

    # We keep documents and folders ourselves; these would be called before our handlers.
    lsp_text_document__did_open = None  # type: ignore[assignment]  # no builtin
    lsp_text_document__did_change = None  # type: ignore[assignment]  # no builtin
    lsp_text_document__did_close = None  # type: ignore[assignment]  # no builtin
    lsp_notebook_document__did_open = None  # type: ignore[assignment]  # no builtin
    lsp_notebook_document__did_change = None  # type: ignore[assignment]  # no builtin
    lsp_notebook_document__did_close = None  # type: ignore[assignment]  # no builtin
    lsp_workspace__did_change_workspace_folders = None  # type: ignore[assignment]  # no builtin

    is_initialized = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # Requests that the specification does not know.
        self.custom_requests: set[str] = set()
        # Handlers of notifications that are awaited before the next message is read.
        self.in_order: dict[str, Callable[[Any], Awaitable[None] | None]] = {}
        # Called for a message that cannot be read, with whether it is too large.
        self.on_unread: Callable[[Envelope, bool], None] = lambda envelope, is_large: (
            None
        )

    async def receive(self, body: bytes) -> None:
        """Handle one message. Errors in it are answered, not raised."""
        try:
            message = await json_in_steps.loads(body)
        except (ValueError, RecursionError):
            envelope = envelope_of(body)
            self._refuse(envelope.id, Errors.ParseError, "this is not JSON")
            self.on_unread(envelope, False)
            return
        except json_in_steps.TooManyValues as exc:
            self._leave_unread(envelope_of(body, body), len(body), str(exc))
            return
        await self._handle(message)

    def skip(self, skipped: Skipped) -> None:
        """Handle a message that is too large to read."""
        envelope = envelope_of(skipped.first, skipped.last)
        self._leave_unread(envelope, skipped.n_bytes, "too large")

    def _leave_unread(self, envelope: Envelope, n_bytes: int, why: str) -> None:
        if envelope.id is not None and envelope.method is not None:
            text = f"a message of {n_bytes} bytes is not read: {why}"
            self._refuse(envelope.id, Errors.InvalidRequest, text)
        self.on_unread(envelope, True)

    async def _handle(self, message: Any) -> None:
        if not isinstance(message, dict):
            self._refuse(None, Errors.InvalidRequest, "this is not JSON-RPC 2.0")
        elif "method" not in message and ("result" in message or "error" in message):
            self._receive_answer(message)
        elif message.get("jsonrpc") != "2.0":
            self._refuse(
                id_of(message), Errors.InvalidRequest, "this is not JSON-RPC 2.0"
            )
        elif not isinstance(message.get("method"), str):
            text = "the method is not a string"
            self._refuse(id_of(message), Errors.InvalidRequest, text)
        elif "id" in message:
            self._request(message)
        else:
            await self._notification(message)

    def _request(self, message: Message) -> None:
        request_id, method = id_of(message), message["method"]
        if request_id is None:
            self._refuse(
                None, Errors.InvalidRequest, "the id is neither a string nor an integer"
            )
        elif self._shutdown:
            self._refuse(
                request_id, Errors.InvalidRequest, "the server is shutting down"
            )
        elif self.is_initialized == (method == types.INITIALIZE):
            code = Errors.InvalidRequest
            if not self.is_initialized:
                code = Errors.ServerNotInitialized
            self._refuse(request_id, code, "initialize comes first, and once")
        elif request_id in self._request_futures:
            self._refuse(request_id, Errors.InvalidRequest, "the id is in use")
        elif not self._knows(method):
            self._refuse(
                request_id,
                Errors.MethodNotFound,
                f"there is no method {method[:MAX_ECHO]}",
            )
        elif not self._is_request(method):
            text = f"{method} is a notification, which has no id"
            self._refuse(request_id, Errors.InvalidRequest, text)
        else:
            self._dispatch(message)

    async def _notification(self, message: Message) -> None:
        method, params = message["method"], message.get("params")
        if method == types.EXIT:
            self._server.stop(0 if self._shutdown else 1)
        elif not self.is_initialized or self._shutdown:
            return
        elif method == types.CANCEL_REQUEST:
            self._cancel(params)
        elif method in self.in_order:
            await self._in_order(method, params)
        elif self._knows(method) and not self._is_request(method):
            self._dispatch(message)

    async def _in_order(self, method: str, params: Any) -> None:
        try:
            if (work := self.in_order[method](params)) is not None:
                await work
        except Exception as exc:
            report(logger, method, exc)

    def _cancel(self, params: Any) -> None:
        request_id = id_of(params)
        if isinstance(self._request_futures.get(request_id), asyncio.Future):  # type: ignore[arg-type]  # None is in no dictionary
            self._handle_cancel_notification(request_id)  # type: ignore[arg-type]  # found

    def _knows(self, method: str) -> bool:
        if method == types.CANCEL_REQUEST:
            return True
        return method in self.fm.builtin_features or method in self.fm.features

    def _is_request(self, method: str) -> bool:
        if method in types.METHOD_TO_TYPES:
            return types.METHOD_TO_TYPES[method][1] is not None
        return method in self.custom_requests

    def _dispatch(self, message: Message) -> None:
        try:
            structured = self._structured(message)
        except JsonRpcException as exc:
            method, reason = message["method"], exc.__cause__ or exc
            logger.warning("%s cannot be read: %s", method, type(reason).__name__)
            if "id" in message:
                text = f"the parameters of {method} are not as specified"
                self._refuse(message["id"], Errors.InvalidParams, text)
            return
        self.handle_message(structured)

    def _structured(self, message: Message) -> Any:
        method, params = message["method"], message.get("params")
        if method in self.custom_requests:
            return JsonRPCRequestMessage(message["id"], method, "2.0", params)
        if "id" not in message and method not in READ_BY_PYGLS:
            return JsonRPCNotification(method, "2.0", params)
        if method == types.WORKSPACE_EXECUTE_COMMAND and (command := _command(params)):
            return types.ExecuteCommandRequest(message["id"], command)
        if method == types.INITIALIZE and isinstance(params, dict):
            wanted = types.InitializeParams
            params = tolerated(self._converter, {**NO_CLIENT, **params}, wanted)
            message = {**message, "params": params or NO_CLIENT}
        structured = self.structure_message(message)
        if method == types.TEXT_DOCUMENT_INLINE_COMPLETION:
            structured.params = with_formatting(structured.params, params)
        return structured

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        result: types.InitializeResult = yield from super().lsp_initialize(params)
        self.is_initialized = True
        self._server.adjust_capabilities(result.capabilities, params)
        return result

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *_args: object) -> None:  # type: ignore[override]  # plain will do
        self._shutdown = True
        current = self.msg_id
        # We iterate over a copy, since a cancelled future removes itself.
        for msg_id, future in tuple(self._request_futures.items()):
            if msg_id != current:
                future.cancel()


def _command(params: Any) -> types.ExecuteCommandParams | None:
    """Read a command, and leave its arguments as they are: lsprotocol would convert each."""
    name, arguments = (
        params.get(key) if isinstance(params, dict) else None
        for key in ("command", "arguments")
    )
    if isinstance(name, str) and isinstance(arguments, list | None):
        return types.ExecuteCommandParams(name, arguments=arguments)
    return None
