"""Handles notifications and commands: unpack, delegate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import Any

from lsprotocol import types

from starcoder_lsp.context import are_rules
from starcoder_lsp.lsp import answers, convert, document_handlers
from starcoder_lsp.lsp.client.status import CLIENT_PATIENCE_S
from starcoder_lsp.lsp.current_engine import BuildEngine
from starcoder_lsp.lsp.documents.parameters import (
    count_field,
    field,
    list_field,
    place_of,
    text_field,
    uris_of,
)
from starcoder_lsp.lsp.documents.uris import paths_of
from starcoder_lsp.lsp.server import Server
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.resolve import Layer
from starcoder_lsp.suggesting.outcomes.page import as_text

logger = logging.getLogger(__name__)

TRIGGERS = [".", "(", ":", ",", "=", " ", "\n", "[", "{"]
SNOOZE_MINUTES = 30.0
# Changed files that the context is told of in one step.
MAX_PATHS = 1000


def create_server(
    flags: Layer, build_engine: BuildEngine = assemble.build_engine
) -> Server:
    """Return a server with its handlers. Needs a running event loop."""
    server = Server(flags, build_engine)
    for method, handler, options in FEATURES:
        server.feature(method, options)(partial(handler, server))
    for method, handler in IN_ORDER.items():
        # pygls needs to know of them, to advertise what they are good for.
        server.feature(method, IN_ORDER_OPTIONS.get(method))(partial(handler, server))
        server.protocol.in_order[method] = partial(handler, server)
    server.protocol.custom_requests |= CUSTOM_REQUESTS
    server.protocol.on_unread = partial(document_handlers.unread, server)
    for name, command in COMMANDS.items():
        server.command(name)(partial(command, server))
    return server


async def _initialized(server: Server, params: Any) -> None:
    server.engine.require(server.settings.of_workspace(), is_wanted=False)
    await _pull_configuration(server)
    server.log_as_wanted()
    server.contexts.start()
    await _watch_files(server)


async def _pull_configuration(server: Server) -> None:
    """Ask the client for its settings; without an answer it has none."""
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
    # Clients without settings for us answer null or an empty object.
    if answer and answer[0]:
        server.settings.use_editor(answer[0])
        server.log_as_wanted()
        server.engine.require(server.settings.of_workspace(), is_wanted=False)


async def _watch_files(server: Server) -> None:
    """Ask the client to report changes of files, if it can."""
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


async def _configured(server: Server, params: Any) -> None:
    # One object may hold the settings of all of an editor's servers.
    settings = field(params, "settings")
    if isinstance(settings, dict) and "starcoder" in settings:
        server.settings.use_editor(settings["starcoder"])
    await _pull_configuration(server)
    server.log_as_wanted()
    server.engine.require(server.settings.of_workspace(), is_wanted=False)
    server.contexts.require()


def _folders_changed(server: Server, params: Any) -> None:
    event = field(params, "event")
    server.settings.change_folders(
        paths_of(uris_of(event, "added")), paths_of(uris_of(event, "removed"))
    )
    server.contexts.use_folders()


async def _files_changed(server: Server, params: Any) -> None:
    uris = uris_of(params, "changes")
    while some := list(islice(uris, MAX_PATHS)):
        paths = paths_of(some)
        server.context.files_changed(paths)
        if any(map(are_rules, paths)):
            # Suggestions may hold text of files that are now hidden.
            server.suggester.cache.forget_suggestions()
        await asyncio.sleep(0)


def _focused(server: Server, params: Any) -> None:
    """Handle Copilot's notification; without a document no document has the focus."""
    uri = text_field(params, "textDocument", "uri")
    if uri is not None and server.documents.get(uri):
        server.context.visit(uri)
        server.warm_up(uri)


def _cursor_moved(server: Server, params: Any) -> None:
    uri = text_field(params, "textDocument", "uri")
    place = place_of(field(params, "position"))
    if uri is not None and place is not None and server.documents.get(uri):
        server.positions[uri] = types.Position(*place)
        server.context.visit(uri)
        server.warm_up(uri)


def _shown(server: Server, params: Any) -> None:
    if id := _id_of(params):
        server.outcomes.shown(id)


def _accepted_in_part(server: Server, params: Any) -> None:
    """Handle Copilot's notification, whose length counts UTF-16 units of the whole text."""
    id, n_units = _id_of(params), count_field(params, "acceptedLength")
    text = text_field(params, "item", "insertText")
    if id and n_units is not None and text is not None:
        server.outcomes.accepted(id, convert.n_code_points(text, n_units))


def _rejected(server: Server, params: Any) -> None:
    if id := _id_of(params):
        server.outcomes.rejected(id)


def _id_of(params: Any) -> str | None:
    """Return the id that we gave to an item in its command."""
    arguments = list_field(params, "item", "command", "arguments")
    return str(arguments[0]) if arguments else None


def _accepted(server: Server, *arguments: object) -> None:
    if arguments:
        server.outcomes.accepted(str(arguments[0]))


def _restart(server: Server, *_arguments: object) -> None:
    server.engine.restart()
    server.engine.require(server.settings.of_workspace(), is_wanted=False)


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
# The server awaits these before it reads the next message, so that a request sees the
# effect of all earlier notifications.
IN_ORDER: dict[str, Callable[[Server, Any], Awaitable[None] | None]] = {
    types.TEXT_DOCUMENT_DID_OPEN: document_handlers.opened,
    types.TEXT_DOCUMENT_DID_CHANGE: document_handlers.changed,
    types.TEXT_DOCUMENT_DID_CLOSE: document_handlers.closed,
    types.TEXT_DOCUMENT_DID_SAVE: document_handlers.saved,
    types.NOTEBOOK_DOCUMENT_DID_OPEN: document_handlers.notebook_opened,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE: document_handlers.notebook_changed,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE: document_handlers.notebook_closed,
    types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: _folders_changed,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: _files_changed,
    "textDocument/didFocus": _focused,
    "textDocument/didShowCompletion": _shown,
    "textDocument/didPartiallyAcceptCompletion": _accepted_in_part,
    "starcoder/didRejectCompletion": _rejected,
    "starcoder/cursorMoved": _cursor_moved,
}
IN_ORDER_OPTIONS = {types.TEXT_DOCUMENT_DID_SAVE: types.SaveOptions(include_text=True)}
# These run beside the reading of messages, since they wait for the client or the model.
FEATURES: tuple[tuple[str, Any, Any], ...] = (
    (types.INITIALIZED, _initialized, None),
    (types.WORKSPACE_DID_CHANGE_CONFIGURATION, _configured, None),
    (answers.MORE, answers.more, None),
    # Without options pygls does not advertise the request.
    (types.TEXT_DOCUMENT_INLINE_COMPLETION, answers.inline_completion, types.InlineCompletionOptions()),
    (types.TEXT_DOCUMENT_COMPLETION, answers.popup_completion, types.CompletionOptions(trigger_characters=TRIGGERS)),
)  # fmt: skip
CUSTOM_REQUESTS = frozenset((answers.MORE,))
