"""The state of one LSP session, and what happens to its documents."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException, PyglsError
from pygls.lsp.server import LanguageServer

from starcoder_lsp import __version__
from starcoder_lsp.context import Context, Edit
from starcoder_lsp.flow import Cursor
from starcoder_lsp.lsp import convert
from starcoder_lsp.lsp.ask_factory import AskFactory
from starcoder_lsp.lsp.client import editor_watch
from starcoder_lsp.lsp.client.late_answer import LateAnswer
from starcoder_lsp.lsp.client.notifications import CustomNotifications
from starcoder_lsp.lsp.client.options import client_options_of, needs_popup, settings_in
from starcoder_lsp.lsp.client.status import Status
from starcoder_lsp.lsp.current_context import CurrentContext
from starcoder_lsp.lsp.current_engine import BuildEngine, CurrentEngine
from starcoder_lsp.lsp.documents import MAX_CHARACTERS, Documents, OpenDocument
from starcoder_lsp.lsp.documents.notebooks import SYNC, Notebooks
from starcoder_lsp.lsp.documents.positions import Encoding
from starcoder_lsp.lsp.documents.uris import path_of, told_path_of
from starcoder_lsp.lsp.protocol import Protocol
from starcoder_lsp.lsp.settings import FolderSettings
from starcoder_lsp.lsp.shown_files import ShownFiles
from starcoder_lsp.runtime import log
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import LogSettings
from starcoder_lsp.settings.resolve import Layer
from starcoder_lsp.suggesting import trigger
from starcoder_lsp.suggesting.outcomes.statistics import Record, default_store
from starcoder_lsp.suggesting.outcomes.tracker import OutcomeTracker
from starcoder_lsp.suggesting.suggester import Suggester

logger = logging.getLogger(__name__)

# Tells our plugins which notifications we understand.
EXPERIMENTAL = {"starcoder": {"events": True, "cursor": True, "more": True}}
MAX_NAME = 200
TOO_LARGE = "this file is too large"
UNKNOWN_TEXT = (
    "a change could not be read, so there are no suggestions in this file until it is "
    "closed and opened again"
)


class Server(LanguageServer):
    """One session with a client."""

    protocol: Protocol

    def __init__(
        self, flags: Layer, build_engine: BuildEngine = assemble.build_engine
    ) -> None:
        super().__init__(
            "starcoder-lsp",
            __version__,
            notebook_document_sync=SYNC,
            protocol_cls=Protocol,
        )
        loop = asyncio.get_running_loop()
        self.stopped: asyncio.Future[int] = loop.create_future()
        # The process that the client says it is.
        self.editor: asyncio.Future[int | None] = loop.create_future()
        self.documents = Documents()
        self.notebooks = Notebooks()
        self.custom = CustomNotifications(self)
        self.late = LateAnswer(self.documents, self.custom)
        self.status = Status(self, self.custom)
        self.settings = FolderSettings(flags, self.status.tell)
        self.suggester = Suggester()
        self.statistics = default_store()
        self.outcomes = OutcomeTracker(self._count, self.suggester.cache.reject)
        self.engine = CurrentEngine(
            self.status, build_engine, self._note_ready_engine, self._workspace
        )
        self.contexts = CurrentContext(
            self.settings, self.status, self.documents, self.notebooks, self.path_of
        )
        self.asks = AskFactory(self.settings, self.engine, self.contexts)
        self.shown = ShownFiles()
        # The last known cursor in each document.
        self.positions: dict[str, types.Position] = {}
        self._rests_in = ""
        self._log_wanted: LogSettings | None = None
        self._snoozed_until_s = 0.0

    @property
    def context(self) -> Context:
        return self.contexts.context

    @property
    def encoding(self) -> Encoding:
        return self.server_capabilities.position_encoding or "utf-16"  # type: ignore[return-value]  # one of the three

    def adjust_capabilities(
        self, capabilities: types.ServerCapabilities, params: types.InitializeParams
    ) -> None:
        """Read the client's settings and folders, and offer the requests that suit it."""
        self.editor.set_result(editor_watch.visible(params.process_id))
        self.settings.use_folders(convert.folders_of(params))
        options = params.initialization_options
        client_options = client_options_of(options)
        self.custom.wanted = client_options.notifications
        self.settings.use_editor_at_start(
            settings_in(options), is_trusted=client_options.is_trusted
        )
        self.log_as_wanted()
        capabilities.experimental = EXPERIMENTAL
        offer = self.settings.of_workspace().lsp.completion
        if offer == "never" or (offer == "auto" and not needs_popup(params)):
            capabilities.completion_provider = None

    def log_as_wanted(self) -> None:
        """Apply the settings of the log, if they have changed."""
        wanted = self.settings.of_workspace().log
        if wanted == self._log_wanted:
            return
        self._log_wanted = wanted
        try:
            log.set_up(wanted.level, wanted.file)
        except OSError as exc:
            self.status.tell(f"starcoder: {wanted.file}: {exc.strerror}")

    def open_document(self, document: OpenDocument) -> None:
        self.documents.open(document)
        self._why_hidden(document.uri)
        self.contexts.open(document)

    def note_change(self, document: OpenDocument, edits: Sequence[Edit]) -> None:
        """Pass a change that was just made on to everything that follows the text."""
        snapshot = document.snapshot()
        if len(snapshot.text) > MAX_CHARACTERS:
            self.lose_document(document, TOO_LARGE)
            return
        self.context.change(document.uri, document.version, edits)
        self.outcomes.changed(snapshot)
        self.suggester.note_edits(document.uri, edits)
        self.suggester.note_key()

    def close_document(self, uri: str) -> None:
        self._forget(uri)
        self.documents.close(uri)

    def lose_document(self, document: OpenDocument, trouble: str) -> None:
        """Suspend suggestions in a document until its whole text is known again."""
        self._forget(document.uri)
        self.documents.lose(document, trouble)
        name = str(self.path_of(document.uri) or document.uri)[-MAX_NAME:]
        self.status.tell(f"starcoder: {name}: {trouble}", is_error=False)

    def _forget(self, uri: str) -> None:
        self.suggester.forget(uri)
        self.outcomes.closed(uri)
        self.context.close_document(uri)
        self.positions.pop(uri, None)

    def path_of(self, uri: str) -> Path | None:
        """Return the file of a document, or of the notebook that it is a cell of."""
        return path_of(uri) or path_of(self.notebooks.of(uri))

    def cursor_at(self, uri: str, position: types.Position) -> Cursor | None:
        """Return the cursor; None if the document is not open, or lost."""
        document = self.documents.get(uri)
        if document is None:
            return None
        self.positions[uri] = position
        return convert.cursor_of(document, position, self.encoding)

    def why_not(self, cursor: Cursor, *, is_explicit: bool) -> trigger.Skip | None:
        """Return why nothing should be suggested at `cursor`; None to go on."""
        uri = cursor.document.uri
        if reason := self._why_hidden(uri):
            return trigger.Skip(reason, is_lasting=True)
        occasion = trigger.Occasion(
            cursor,
            self.settings.of_document(uri).trigger,
            self.path_of(uri),
            is_explicit,
            self._snoozed_until_s - time.monotonic(),
        )
        return trigger.skip(occasion)

    def warm_up(self, uri: str) -> None:
        """Let the model read the prompt at the last known cursor of a document.

        Without a known cursor most of the prompt would be the wrong one.
        """
        self._rests_in = uri
        if (position := self.positions.get(uri)) is None:
            return
        cursor = self.cursor_at(uri, position)
        if cursor is None or self.why_not(cursor, is_explicit=False) is not None:
            return
        if ask := self.asks.ask_at(cursor, is_wanted=False):
            self.suggester.warm_up(ask)

    def snooze(self, minutes: float) -> None:
        """Suggest only on explicit request for so many minutes; 0 ends it."""
        self._snoozed_until_s = time.monotonic() + minutes * 60
        self.suggester.scheduler.cancel_all()
        if minutes > 0:
            self.status.show("snoozing", kind="Inactive")
        else:
            self.status.show("awake")

    def stop(self, status: int) -> None:
        if not self.stopped.done():
            self.stopped.set_result(status)

    async def close(self) -> None:
        self.suggester.scheduler.cancel_all()
        self.outcomes.close()
        await self.contexts.close()
        await self.shown.close()
        await self.engine.close()

    def report_server_error(
        self, error: Exception, source: type[PyglsError] | type[JsonRpcException]
    ) -> None:
        """Log the error; pygls would show a message box."""
        logger.error("%s: %s", source.__name__, type(error).__name__)

    def _why_hidden(self, uri: str) -> str:
        # A link, or a file on another machine, is hidden by its name.
        file = told_path_of(uri) or told_path_of(self.notebooks.of(uri))
        return self.shown.why_hidden(self.settings.of_document(uri), file)

    def _workspace(self) -> Path | None:
        """The folder of the workspace, or the first of several."""
        return next(iter(self.settings.folders), None)

    def _note_ready_engine(self) -> None:
        """Use an engine that has just loaded its model."""
        self.suggester.note_new_engine()
        self.late.send()
        self.warm_up(self._rests_in)

    def _count(self, record: Record) -> None:
        if self.settings.of_workspace().lsp.statistics:
            self.statistics.append(record)
