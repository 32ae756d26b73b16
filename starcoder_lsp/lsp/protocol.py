"""pygls' protocol with one answer for every request, also for those it cannot read."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Generator
from typing import Any
from typing import Protocol as Interface

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol, lsp_method

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Code = types.ErrorCodes | types.LSPErrorCodes

# What of a client's capabilities is read; the rest may hold values that lsprotocol
# does not know, and must not keep us from starting.
CAPABILITIES_USED = {
    "general": ("positionEncodings",),
    "textDocument": ("inlineCompletion",),
    "window": ("workDoneProgress", "showMessage"),
    "workspace": ("configuration", "workspaceFolders"),
}


class Session(Interface):
    """What the protocol asks of the server it belongs to."""

    def adjust_capabilities(
        self, capabilities: types.ServerCapabilities, params: types.InitializeParams
    ) -> None: ...

    def stop(self, status: int) -> None: ...


class Protocol(LanguageServerProtocol):
    """Messages in, exactly one answer out for each request."""

    _server: Session  # type: ignore[assignment]  # all we use of it

    # Text sync is ours alone: without a builtin our own handler is called directly.
    lsp_text_document__did_open = None  # type: ignore[assignment]  # no builtin
    lsp_text_document__did_change = None  # type: ignore[assignment]  # no builtin
    lsp_text_document__did_close = None  # type: ignore[assignment]  # no builtin
    lsp_notebook_document__did_open = None  # type: ignore[assignment]  # no builtin
    lsp_notebook_document__did_change = None  # type: ignore[assignment]  # no builtin
    lsp_notebook_document__did_close = None  # type: ignore[assignment]  # no builtin

    is_initialized = False

    def receive(self, body: bytes) -> None:
        """Handle one message; whatever is wrong with it is answered, not raised."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            self._refuse(None, types.ErrorCodes.ParseError, "not JSON")
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            self._refuse(None, types.ErrorCodes.InvalidRequest, "not JSON-RPC 2.0")
        elif not isinstance(message.get("method", ""), str):
            self._refuse(None, types.ErrorCodes.InvalidRequest, "the method is no text")
        elif "method" not in message:
            self._dispatch(message)
        elif "id" in message:
            self._request(message)
        elif self._knows(message["method"]) and (
            self.is_initialized or message["method"] == types.EXIT
        ):
            self._dispatch(message)

    def _request(self, message: Message) -> None:
        request_id, method = message["id"], message["method"]
        errors = types.ErrorCodes
        if type(request_id) not in (int, str):
            self._refuse(None, errors.InvalidRequest, "the id is no text or number")
        elif self._shutdown:
            self._refuse(request_id, errors.InvalidRequest, "the server shuts down")
        elif self.is_initialized == (method == types.INITIALIZE):
            code = errors.InvalidRequest
            if not self.is_initialized:
                code = errors.ServerNotInitialized
            self._refuse(request_id, code, "initialize comes first, and once")
        elif request_id in self._request_futures:
            self._refuse(request_id, errors.InvalidRequest, "the id is in use")
        elif not self._knows(method):
            self._refuse(request_id, errors.MethodNotFound, f"no method {method}")
        else:
            self._dispatch(message)

    def _knows(self, method: str) -> bool:
        if method == types.CANCEL_REQUEST:
            return True
        return method in self.fm.builtin_features or method in self.fm.features

    def _dispatch(self, message: Message) -> None:
        try:
            structured = self._structured(message)
        except JsonRpcException as exc:
            reason = exc.__cause__ or exc
            logger.warning(
                "%s cannot be read: %s", message.get("method"), type(reason).__name__
            )
            if "id" in message and "method" in message:
                text = f"the parameters of {message['method']} are not as specified"
                self._refuse(message["id"], types.ErrorCodes.InvalidParams, text)
            return
        self.handle_message(structured)

    def _structured(self, message: Message) -> Any:
        try:
            return self.structure_message(message)
        except JsonRpcException:
            if message.get("method") != types.INITIALIZE:
                raise
            params = message.get("params")
            if not isinstance(params, dict):
                raise
            reduced = {**params, "capabilities": _used(params.get("capabilities"))}
            return self.structure_message({**message, "params": reduced})

    def _refuse(self, request_id: Any, code: Code, text: str) -> None:
        error = {"code": int(code), "message": text}
        self._send_data({"jsonrpc": "2.0", "id": request_id, "error": error})

    def _handle_response(self, msg_id: Any, result: Any = None, error: Any = None):  # type: ignore[no-untyped-def]  # as in pygls
        future = self._request_futures.get(msg_id)
        if isinstance(future, asyncio.Task):
            return  # the id of a request of the client's: this answers nothing
        if future is not None and future.done():
            # We stopped waiting; pygls would raise (its issue 621).
            self._request_futures.pop(msg_id, None)
            return
        super()._handle_response(msg_id, result, error)

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
        # A copy: a cancelled future removes itself (pygls iterates the dict).
        for msg_id, future in tuple(self._request_futures.items()):
            if msg_id != current:
                future.cancel()

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_args: object) -> None:  # type: ignore[override]  # plain will do
        self._server.stop(0 if self._shutdown else 1)


def _used(capabilities: Any) -> Message:
    if not isinstance(capabilities, dict):
        return {}
    reduced: Message = {}
    for section, keys in CAPABILITIES_USED.items():
        if isinstance(found := capabilities.get(section), dict):
            reduced[section] = {key: found[key] for key in keys if key in found}
    return reduced
