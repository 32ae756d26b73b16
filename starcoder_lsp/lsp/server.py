"""What one session holds, and who may ask it for what."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException, PyglsError
from pygls.lsp.server import LanguageServer

from starcoder_lsp import __version__
from starcoder_lsp.completion.characters_per_token import CharactersPerToken
from starcoder_lsp.context import Context, IndexingProgress, NoContext
from starcoder_lsp.engines import Engine, Phase
from starcoder_lsp.flow import Cursor
from starcoder_lsp.lsp import convert, notebooks
from starcoder_lsp.lsp.documents import Documents, Encoding
from starcoder_lsp.lsp.engine_room import BuildEngine, EngineRoom
from starcoder_lsp.lsp.protocol import Protocol
from starcoder_lsp.lsp.settings import SettingsBook
from starcoder_lsp.lsp.status import Status
from starcoder_lsp.runtime import log
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import ContextSettings, LogSettings, Settings
from starcoder_lsp.settings.resolve import Layer
from starcoder_lsp.suggesting import trigger
from starcoder_lsp.suggesting.ask import Ask
from starcoder_lsp.suggesting.outcomes.statistics import Record, default_store
from starcoder_lsp.suggesting.outcomes.tracker import OutcomeTracker
from starcoder_lsp.suggesting.suggester import Suggester

logger = logging.getLogger(__name__)

# Clients that show nothing inline; VS Code and lsp-mode ask twice when offered both.
POPUP_CLIENTS = frozenset(
    ("helix", "Kakoune", "kakoune-lsp", "Eglot", "Sublime Text LSP", "Zed")
)
INDEXING = "starcoder: reading the workspace"
# Tells our plugins which notifications are understood.
EXPERIMENTAL = {"starcoder": {"events": True, "cursor": True, "more": True}}


def is_too_wide(folder: Path) -> bool:
    """Whether a workspace folder is a disk, or holds the user's home."""
    try:
        return Path.home().is_relative_to(folder) or folder == folder.parent
    except RuntimeError:  # nobody's home
        return folder == folder.parent


class Server(LanguageServer):
    """Everything one LSP session holds."""

    protocol: Protocol

    def __init__(
        self, flags: Layer, build_engine: BuildEngine = assemble.build_engine
    ) -> None:
        super().__init__(
            "starcoder-lsp",
            __version__,
            notebook_document_sync=notebooks.SYNC,
            protocol_cls=Protocol,
        )
        self.stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.documents = Documents()
        self.notebooks = notebooks.Notebooks()
        self.status = Status(self)
        self.book = SettingsBook(flags, self.status.tell)
        self.suggester = Suggester()
        self.densities = CharactersPerToken()
        self.context: Context = NoContext()
        # None until the client is initialized.
        self._context_settings: ContextSettings | None = None
        self._replacing: set[asyncio.Task[None]] = set()
        self.statistics = default_store()
        self.fates = OutcomeTracker(self._count, self.suggester.cache.reject)
        self.room = EngineRoom(self.status, build_engine, self._warm_up_again)
        # Where the cursor was last, by document.
        self.positions: dict[str, types.Position] = {}
        self._rests_in = ""
        self._log_wanted: LogSettings | None = None
        self._snoozed_until_s = 0.0

    @property
    def encoding(self) -> Encoding:
        return self.server_capabilities.position_encoding or "utf-16"  # type: ignore[return-value]  # one of the three

    def adjust_capabilities(
        self, capabilities: types.ServerCapabilities, params: types.InitializeParams
    ) -> None:
        """Take in what the client says of itself, and offer what suits it."""
        self.book.use_folders(convert.folders_of(params))
        self.book.use_editor_at_start(params.initialization_options)
        self.log_as_wanted()
        capabilities.experimental = EXPERIMENTAL
        offer = self.book.of_workspace().lsp.completion
        client = params.client_info.name if params.client_info else ""
        if offer == "never" or (offer == "auto" and client not in POPUP_CLIENTS):
            capabilities.completion_provider = None

    def start_context(self) -> None:
        """Begin to read the workspace; documents may be open already."""
        settings = self.book.of_workspace()
        self._context_settings = settings.context
        older = self.context
        self.context = assemble.build_context(settings, self._show_indexing)
        self.use_folders(self.book.folders)
        for document in self.documents:
            uri, version = document.uri, document.version
            text = document.snapshot().text
            self.context.open(uri, self.path_of(uri), document.language, text, version)
        for notebook, cells in self.notebooks:
            self.context.arrange(notebook, cells)
        task = asyncio.create_task(self._start_after(older, self.context))
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)

    async def _start_after(self, older: Context, newer: Context) -> None:
        """Start once the one before it has let go of the index."""
        await older.close()
        self.status.end_progress(INDEXING)
        if self.context is newer:
            newer.start()

    def follow_context_settings(self) -> None:
        """Another context where the settings ask for one, or for none."""
        wanted = self.book.of_workspace().context
        if self._context_settings not in (None, wanted):
            self.start_context()

    def use_folders(self, folders: tuple[Path, ...]) -> None:
        """Other workspace folders; the user hears of those that are no project."""
        wanted = self.book.of_workspace().context
        for folder in filter(is_too_wide, folders if wanted.enabled else ()):
            self.status.tell(
                f"starcoder: {folder} is more than a project: at most "
                f"{wanted.max_files} of its files are read (index_max_files). "
                "Open the project's own folder, or set context = false",
                is_error=False,
            )
        self.context.use_folders(folders)

    def open_document(self, new: types.TextDocumentItem) -> None:
        self.documents.open(new.uri, new.language_id, new.version, new.text)
        path = self.path_of(new.uri)
        self.context.open(new.uri, path, new.language_id, new.text, new.version)

    def change_document(
        self,
        which: types.VersionedTextDocumentIdentifier,
        changes: Sequence[types.TextDocumentContentChangeEvent],
    ) -> None:
        uri, version = which.uri, which.version
        spans = convert.edits_of(changes)
        edits = self.documents.change(uri, version, spans, self.encoding)
        if (document := self.documents.get(uri)) is not None:
            self.context.change(uri, version, edits)
            self.fates.changed(document.snapshot())
            self.suggester.note_key()

    def close_document(self, uri: str) -> None:
        self.suggester.forget(uri)
        self.fates.closed(uri)
        self.context.close_document(uri)
        self.documents.close(uri)
        self.positions.pop(uri, None)

    def path_of(self, uri: str) -> Path | None:
        """The file that a document is, or whose cell it is."""
        return convert.path_of(uri) or convert.path_of(self.notebooks.of(uri))

    def cursor_at(self, uri: str, position: types.Position) -> Cursor | None:
        """None for a document that is not open."""
        document = self.documents.get(uri)
        if document is None:
            return None
        self.positions[uri] = position
        return convert.cursor_of(document, position, self.encoding)

    def ask(self, cursor: Cursor, *, is_wanted: bool = True) -> Ask | None:
        """A question at `cursor`; None while there is no model to answer it."""
        self.follow_context_settings()
        self.log_as_wanted()
        uri, language = cursor.document.uri, cursor.document.language
        settings = self.book.of_document(uri)
        engine = self._engine_for(settings, is_wanted=is_wanted)
        if engine is None:
            return None
        completer = assemble.build_completer(
            settings,
            engine,
            self.context,
            self.densities.of(settings.engine, language, uri),
        )
        # Every client has ranges: in the protocol an item says what it replaces.
        style = replace(completer.style, can_replace=True)
        return Ask(cursor, replace(completer, style=style), settings)

    def why_not(self, cursor: Cursor, *, is_explicit: bool) -> trigger.Skip | None:
        """Why nothing is suggested at `cursor`, if so."""
        uri = cursor.document.uri
        occasion = trigger.Occasion(
            cursor,
            self.book.of_document(uri).trigger,
            self.path_of(uri),
            is_explicit,
            self._snoozed_until_s - time.monotonic(),
            convert.named_path_of(uri),
        )
        return trigger.skip(occasion)

    def warm_up(self, uri: str) -> None:
        """Let the model read what the next question in this document will need.

        Only where the cursor is known: elsewhere nearly all would be read in vain.
        """
        self._rests_in = uri
        if (position := self.positions.get(uri)) is None:
            return
        cursor = self.cursor_at(uri, position)
        if cursor is None or self.why_not(cursor, is_explicit=False) is not None:
            return
        if ask := self.ask(cursor, is_wanted=False):
            self.suggester.warm_up(ask)

    def snooze(self, minutes: float) -> None:
        """Suggest nothing unasked for so long; 0 wakes up again."""
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
        self.fates.close()
        await asyncio.gather(*self._replacing)
        await self.context.close()
        await self.room.close()

    def report_server_error(
        self, error: Exception, source: type[PyglsError] | type[JsonRpcException]
    ) -> None:
        """Log only: a popup per mistake helps nobody."""
        logger.error("%s: %s", source.__name__, type(error).__name__)

    def _engine_for(self, settings: Settings, *, is_wanted: bool) -> Engine | None:
        engine = self.room.require(settings, is_wanted=is_wanted)
        if engine is None or engine.state.phase is not Phase.READY:
            return None
        return engine

    def _warm_up_again(self) -> None:
        """Let an engine that has just loaded its model read what the user looks at."""
        self.suggester.note_new_engine()
        self.warm_up(self._rests_in)

    def _count(self, record: Record) -> None:
        if self.book.of_workspace().lsp.statistics:
            self.statistics.append(record)

    def _show_indexing(self, progress: IndexingProgress) -> None:
        if progress.is_lost:
            self.status.tell(
                "starcoder: no context from other files, since the indexer keeps "
                "dying; the log tells more"
            )
        if progress.is_final:
            self.status.end_progress(INDEXING)
            return
        share = progress.n_done / max(progress.n_total, 1)
        message = f"{progress.n_done} of {progress.n_total} files"
        self.status.progress(message, share, INDEXING)

    def log_as_wanted(self) -> None:
        """Follow the settings that say where and how much to log, if they have changed."""
        wanted = self.book.of_workspace().log
        if wanted == self._log_wanted:
            return
        self._log_wanted = wanted
        try:
            log.set_up(wanted.level, wanted.file)
        except OSError as exc:
            self.status.tell(f"starcoder: {wanted.file}: {exc.strerror}")
