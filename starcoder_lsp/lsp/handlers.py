"""What the client tells and commands: unpack, delegate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from lsprotocol import types

from starcoder_lsp.context import are_rules
from starcoder_lsp.lsp import answers, convert, notebook_handlers
from starcoder_lsp.lsp.engine_room import BuildEngine
from starcoder_lsp.lsp.server import Server
from starcoder_lsp.lsp.status import CLIENT_PATIENCE_S
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.resolve import Layer
from starcoder_lsp.suggesting.outcomes.page import as_text

logger = logging.getLogger(__name__)

TRIGGERS = [".", "(", ":", ",", "=", " ", "\n", "[", "{"]
SNOOZE_MINUTES = 30.0


def create_server(
    flags: Layer, build_engine: BuildEngine = assemble.build_engine
) -> Server:
    """A server with its handlers; needs a running event loop."""
    server = Server(flags, build_engine)
    for method, handler, options in HANDLERS:
        server.feature(method, options)(partial(handler, server))
    for name, command in COMMANDS.items():
        server.command(name)(partial(command, server))
    return server


async def _initialized(server: Server, params: types.InitializedParams) -> None:
    server.room.require(server.book.of_workspace(), is_wanted=False)
    await _pull_configuration(server)
    server.start_context()
    await _watch_files(server)


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
        server.log_as_wanted()
        server.room.require(server.book.of_workspace(), is_wanted=False)


async def _watch_files(server: Server) -> None:
    """Ask the client to tell about files that others change, if it can."""
    workspace = server.client_capabilities.workspace
    watched = workspace and workspace.did_change_watched_files
    if not (watched and watched.dynamic_registration):
        return
    options = types.DidChangeWatchedFilesRegistrationOptions(
        [types.FileSystemWatcher("**/*")]
    )
    method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    registration = types.Registration("starcoder-files", method, options)
    request = server.client_register_capability_async(
        types.RegistrationParams([registration])
    )
    try:
        async with asyncio.timeout(CLIENT_PATIENCE_S):
            await request
    except Exception as exc:  # it works without
        logger.info("the client watches no files: %s", type(exc).__name__)


async def _configured(
    server: Server, params: types.DidChangeConfigurationParams
) -> None:
    # One object may hold the settings of all of an editor's servers.
    if isinstance(params.settings, dict) and "starcoder" in params.settings:
        server.book.use_editor(params.settings["starcoder"])
    await _pull_configuration(server)
    server.log_as_wanted()
    server.room.require(server.book.of_workspace(), is_wanted=False)
    server.follow_context_settings()


def _folders_changed(
    server: Server, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    server.book.change_folders(
        convert.paths_of(folder.uri for folder in params.event.added),
        convert.paths_of(folder.uri for folder in params.event.removed),
    )
    server.use_folders(server.book.folders)


def _opened(server: Server, params: types.DidOpenTextDocumentParams) -> None:
    server.open_document(params.text_document)


def _changed(server: Server, params: types.DidChangeTextDocumentParams) -> None:
    server.change_document(params.text_document, params.content_changes)


def _closed(server: Server, params: types.DidCloseTextDocumentParams) -> None:
    server.close_document(params.text_document.uri)


def _files_changed(server: Server, params: types.DidChangeWatchedFilesParams) -> None:
    paths = convert.paths_of(change.uri for change in params.changes)
    server.context.files_changed(paths)
    if any(map(are_rules, paths)):
        # What is hidden now may be in what was suggested before.
        server.suggester.cache.forget_suggestions()


def _focused(server: Server, params: Any) -> None:
    """Copilot's notification; without a document nothing has the focus."""
    uri = _field(params, "textDocument", "uri")
    if isinstance(uri, str) and server.documents.get(uri):
        server.context.visit(uri)
        server.warm_up(uri)


def _cursor_moved(server: Server, params: Any) -> None:
    uri = _field(params, "textDocument", "uri")
    line, character = (_field(params, "position", key) for key in PLACE)
    if not isinstance(uri, str) or server.documents.get(uri) is None:
        return
    if type(line) is int and type(character) is int:
        server.positions[uri] = types.Position(max(line, 0), max(character, 0))
        server.context.visit(uri)
        server.warm_up(uri)


PLACE = ("line", "character")


def _shown(server: Server, params: Any) -> None:
    if id := _id_of(params):
        server.fates.shown(id)


def _accepted_in_part(server: Server, params: Any) -> None:
    """Copilot's notification; the length counts UTF-16 units of the whole text."""
    id, n_units = _id_of(params), _field(params, "acceptedLength")
    text = _field(params, "item", "insertText")
    if id and type(n_units) is int and isinstance(text, str):
        server.fates.accepted(id, convert.n_code_points(text, n_units))


def _rejected(server: Server, params: Any) -> None:
    if id := _id_of(params):
        server.fates.rejected(id)


def _id_of(params: Any) -> str | None:
    """The id that we gave an item with its command."""
    arguments = _field(params, "item", "command", "arguments")
    if isinstance(arguments, list | tuple) and arguments:
        return str(arguments[0])
    return None


def _field(params: Any, *names: str) -> Any:
    """A field of parameters that the specification does not know; None if absent."""
    for name in names:
        found = params.get(name) if isinstance(params, dict) else None
        params = found if found is not None else getattr(params, name, None)
    return params


def _accepted(server: Server, *arguments: object) -> None:
    if arguments:
        server.fates.accepted(str(arguments[0]))


def _restart(server: Server, *_arguments: object) -> None:
    server.room.restart()
    server.room.require(server.book.of_workspace(), is_wanted=False)


def _explain(server: Server, *_arguments: object) -> str:
    return str(server.suggester.trace)


def _statistics(server: Server, *_arguments: object) -> str:
    return as_text(server.statistics.records())


def _snooze(server: Server, *arguments: object) -> None:
    minutes = arguments[0] if arguments else SNOOZE_MINUTES
    is_number = isinstance(minutes, int | float) and 0 <= minutes < 10**6
    server.snooze(float(minutes) if is_number else SNOOZE_MINUTES)  # type: ignore[arg-type]  # checked


COMMANDS: dict[str, Callable[..., Any]] = {
    "starcoder.restart": _restart,
    "starcoder.explain": _explain,
    "starcoder.statistics": _statistics,
    "starcoder.snooze": _snooze,
    answers.ACCEPTED: _accepted,
}
HANDLERS: tuple[tuple[str, Any, Any], ...] = (
    (types.INITIALIZED, _initialized, None),
    (types.WORKSPACE_DID_CHANGE_CONFIGURATION, _configured, None),
    (types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, _folders_changed, None),
    (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, _files_changed, None),
    (types.TEXT_DOCUMENT_DID_OPEN, _opened, None),
    (types.TEXT_DOCUMENT_DID_CHANGE, _changed, None),
    (types.TEXT_DOCUMENT_DID_CLOSE, _closed, None),
    (types.NOTEBOOK_DOCUMENT_DID_OPEN, notebook_handlers.opened, None),
    (types.NOTEBOOK_DOCUMENT_DID_CHANGE, notebook_handlers.changed, None),
    (types.NOTEBOOK_DOCUMENT_DID_CLOSE, notebook_handlers.closed, None),
    ("textDocument/didFocus", _focused, None),
    ("textDocument/didShowCompletion", _shown, None),
    ("textDocument/didPartiallyAcceptCompletion", _accepted_in_part, None),
    ("starcoder/didRejectCompletion", _rejected, None),
    ("starcoder/cursorMoved", _cursor_moved, None),
    ("starcoder/more", answers.more, None),
    # Without options pygls advertises nothing.
    (types.TEXT_DOCUMENT_INLINE_COMPLETION, answers.inline_completion, types.InlineCompletionOptions()),
    (types.TEXT_DOCUMENT_COMPLETION, answers.popup_completion, types.CompletionOptions(trigger_characters=TRIGGERS)),
)  # fmt: skip
