"""The handlers: unpack, delegate, pack."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, PyglsError
from pygls.lsp.server import LanguageServer

from starcoder_lsp import __version__, assemble, log
from starcoder_lsp.config import Layer, Settings
from starcoder_lsp.engines import Engine, Phase
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import Completion, Cursor
from starcoder_lsp.lsp import convert
from starcoder_lsp.lsp.documents import Documents, Encoding
from starcoder_lsp.lsp.engine_room import BuildEngine, EngineRoom
from starcoder_lsp.lsp.protocol import Protocol
from starcoder_lsp.lsp.settings import SettingsBook
from starcoder_lsp.lsp.status import CLIENT_PATIENCE_S, Status
from starcoder_lsp.schedule import Scheduler

logger = logging.getLogger(__name__)

RESTART = "starcoder.restart"
TRIGGERS = [".", "(", ":", ",", "=", " ", "\n", "[", "{"]
MAX_DOCUMENT_CHARACTERS = 10_000_000
# Clients that show nothing inline; VS Code and lsp-mode ask twice when offered both.
POPUP_CLIENTS = frozenset(
    ("helix", "Kakoune", "kakoune-lsp", "Eglot", "Sublime Text LSP", "Zed")
)


class Server(LanguageServer):
    """Everything one LSP session holds."""

    protocol: Protocol

    def __init__(
        self, flags: Layer, build_engine: BuildEngine = assemble.build_engine
    ) -> None:
        super().__init__("starcoder-lsp", __version__, protocol_cls=Protocol)
        self.stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.documents = Documents()
        self.status = Status(self)
        self.book = SettingsBook(flags, self.status.tell)
        self.scheduler = Scheduler()
        self.room = EngineRoom(self.status, build_engine)

    @property
    def encoding(self) -> Encoding:
        return self.server_capabilities.position_encoding or "utf-16"  # type: ignore[return-value]  # one of the three

    def adjust_capabilities(
        self, capabilities: types.ServerCapabilities, params: types.InitializeParams
    ) -> None:
        """Take in what the client says of itself, and offer what suits it."""
        self.book.use_folders(convert.folders_of(params))
        self.book.use_editor_at_start(params.initialization_options)
        self._log_as_wanted()
        offer = self.book.of_workspace().lsp.completion
        client = params.client_info.name if params.client_info else ""
        if offer == "never" or (offer == "auto" and client not in POPUP_CLIENTS):
            capabilities.completion_provider = None

    def cursor_at(
        self, params: types.InlineCompletionParams | types.CompletionParams
    ) -> Cursor | None:
        """None for a document that is not open."""
        document = self.documents.get(params.text_document.uri)
        if document is None:
            return None
        return convert.cursor_of(document, params.position, self.encoding)

    async def suggest(
        self, cursor: Cursor, method: str, *, is_explicit: bool
    ) -> Completion | None:
        """A completion, perhaps of nothing; None leaves the screen as it is.

        Supersedes the last request of the same `method` for the document.
        """
        uri = cursor.document.uri
        settings = self.book.of_document(uri)
        engine = self._engine_for(cursor, settings)
        if engine is None:
            return None
        completer = assemble.build_completer(settings, engine)
        delay_s = 0.0 if is_explicit else settings.trigger.debounce_s
        started = time.perf_counter()
        try:
            completion = await self.scheduler.run(
                _key(method, uri), lambda: completer.complete(cursor), delay_s
            )
        except EngineError as exc:
            logger.warning("no completion: %s", exc)
            return None
        _log(cursor, completion, time.perf_counter() - started)
        return completion

    def _log_as_wanted(self) -> None:
        """The editor's settings may say where and how much to log."""
        wanted = self.book.of_workspace().log
        try:
            log.set_up(wanted.level, wanted.file)
        except OSError as exc:
            self.status.tell(f"starcoder: {wanted.file}: {exc.strerror}")

    def stop(self, status: int) -> None:
        if not self.stopped.done():
            self.stopped.set_result(status)

    async def close(self) -> None:
        self.scheduler.cancel_all()
        await self.room.close()

    def report_server_error(
        self, error: Exception, source: type[PyglsError] | type[JsonRpcException]
    ) -> None:
        """Log only: a popup per mistake helps nobody."""
        logger.error("%s: %s", source.__name__, type(error).__name__)

    def _engine_for(self, cursor: Cursor, settings: Settings) -> Engine | None:
        trigger = settings.trigger
        document = cursor.document
        if not trigger.enabled or document.language in trigger.disabled_languages:
            self.status.show("disabled", kind="Inactive")
            return None
        if len(document.text) > MAX_DOCUMENT_CHARACTERS:
            self.status.show("this file is too large", kind="Inactive")
            return None
        engine = self.room.require(settings)
        if engine is None or engine.state.phase is not Phase.READY:
            return None
        return engine


def _key(method: str, uri: str) -> str:
    return f"{method} {uri}"


def _log(cursor: Cursor, completion: Completion | None, seconds: float) -> None:
    outcome = "superseded"
    if completion is not None:
        usage = completion.usage
        outcome = (
            f"{len(completion.text)} characters, {usage.evaluated_tokens} of "
            f"{usage.prompt_tokens} prompt tokens evaluated, "
            f"{usage.generated_tokens} generated"
        )
    logger.info("%s: %.0f ms, %s", cursor.document.language, seconds * 1000, outcome)


def create_server(
    flags: Layer, build_engine: BuildEngine = assemble.build_engine
) -> Server:
    """A server with its handlers; needs a running event loop."""
    server = Server(flags, build_engine)
    for method, handler, options in HANDLERS:
        server.feature(method, options)(partial(handler, server))
    server.command(RESTART)(partial(_restart, server))
    return server


async def _initialized(server: Server, params: types.InitializedParams) -> None:
    server.room.require(server.book.of_workspace(), is_wanted=False)
    await _pull_configuration(server)


async def _pull_configuration(server: Server) -> None:
    """Ask the client for its settings; one that does not answer has none."""
    workspace = server.client_capabilities.workspace
    if not (workspace and workspace.configuration):
        return
    item = types.ConfigurationItem(section="starcoder")
    request = server.workspace_configuration_async(types.ConfigurationParams([item]))
    try:
        async with asyncio.timeout(CLIENT_PATIENCE_S):
            answer = await request
    except Exception as exc:  # a client's bug must not cost its user the session
        logger.info("no settings from the client: %s", type(exc).__name__)
        return
    # Clients that know of no settings answer null, or an empty object.
    if answer and answer[0]:
        server.book.use_editor(answer[0])
        server.room.require(server.book.of_workspace(), is_wanted=False)


async def _configured(
    server: Server, params: types.DidChangeConfigurationParams
) -> None:
    # One object may hold the settings of all of an editor's servers.
    if isinstance(params.settings, dict) and "starcoder" in params.settings:
        server.book.use_editor(params.settings["starcoder"])
    await _pull_configuration(server)
    server.room.require(server.book.of_workspace(), is_wanted=False)


def _folders_changed(
    server: Server, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    server.book.change_folders(
        convert.paths_of(folder.uri for folder in params.event.added),
        convert.paths_of(folder.uri for folder in params.event.removed),
    )


def _opened(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    opened = params.text_document
    server.documents.open(opened.uri, opened.language_id, opened.version, opened.text)


def _changed(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    server.documents.change(
        params.text_document.uri,
        params.text_document.version,
        convert.edits_of(list(params.content_changes)),
        server.encoding,
    )


def _closed(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    uri = params.text_document.uri
    server.scheduler.cancel(_key(types.TEXT_DOCUMENT_INLINE_COMPLETION, uri))
    server.scheduler.cancel(_key(types.TEXT_DOCUMENT_COMPLETION, uri))
    server.documents.close(uri)


async def _inline_completion(
    server: Server, params: types.InlineCompletionParams
) -> types.InlineCompletionList | None:
    cursor = server.cursor_at(params)
    if cursor is None:
        return None
    invoked = types.InlineCompletionTriggerKind.Invoked
    completion = await server.suggest(
        cursor,
        types.TEXT_DOCUMENT_INLINE_COMPLETION,
        is_explicit=params.context.trigger_kind == invoked,
    )
    if completion is None:
        return None
    return convert.inline_items(completion, params.position)


async def _popup_completion(
    server: Server, params: types.CompletionParams
) -> types.CompletionList | None:
    cursor = server.cursor_at(params)
    if cursor is None:
        return None
    # Popup clients do not cancel and ask seldom: a debounce only costs them time.
    completion = await server.suggest(
        cursor, types.TEXT_DOCUMENT_COMPLETION, is_explicit=True
    )
    if completion is None:
        completion = Completion("")
    return convert.popup_items(completion, cursor, params.position, server.encoding)


def _restart(server: Server, *_arguments: object) -> None:
    server.room.restart()
    server.room.require(server.book.of_workspace(), is_wanted=False)


HANDLERS: tuple[tuple[str, Any, Any], ...] = (
    (types.INITIALIZED, _initialized, None),
    (types.WORKSPACE_DID_CHANGE_CONFIGURATION, _configured, None),
    (types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, _folders_changed, None),
    (types.TEXT_DOCUMENT_DID_OPEN, _opened, None),
    (types.TEXT_DOCUMENT_DID_CHANGE, _changed, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, _closed, None),
    # Without options pygls advertises nothing.
    (types.TEXT_DOCUMENT_INLINE_COMPLETION, _inline_completion, types.InlineCompletionOptions()),
    (types.TEXT_DOCUMENT_COMPLETION, _popup_completion, types.CompletionOptions(trigger_characters=TRIGGERS)),
)  # fmt: skip
