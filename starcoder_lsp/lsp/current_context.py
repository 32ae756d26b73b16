"""Holds the context that the settings ask for, and tells it which documents are open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from starcoder_lsp.context import Context, IndexingProgress, NoContext
from starcoder_lsp.lsp.client.status import Status
from starcoder_lsp.lsp.documents import Documents, OpenDocument
from starcoder_lsp.lsp.documents.notebooks import Notebooks
from starcoder_lsp.lsp.settings import FolderSettings
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import ContextSettings

INDEXING = "starcoder: reading the workspace"


def is_too_wide(folder: Path) -> bool:
    """Return whether a workspace folder is a disk, or holds the user's home."""
    try:
        return Path.home().is_relative_to(folder) or folder == folder.parent
    except RuntimeError:  # the user has no home
        return folder == folder.parent


class CurrentContext:
    """One context at a time. `path_of` returns the file of a document."""

    def __init__(
        self,
        settings: FolderSettings,
        status: Status,
        documents: Documents,
        notebooks: Notebooks,
        path_of: Callable[[str], Path | None],
    ) -> None:
        self.context: Context = NoContext()
        self._settings = settings
        self._status = status
        self._documents = documents
        self._notebooks = notebooks
        self._path_of = path_of
        # None until the client is initialized.
        self._for: ContextSettings | None = None
        self._starting: set[asyncio.Task[None]] = set()

    def require(self) -> Context:
        """Return the context for the current settings; start another if they have changed."""
        wanted = self._settings.of_workspace().context
        if self._for not in (None, wanted):
            self.start()
        return self.context

    def start(self) -> None:
        """Start a context. Documents may be open already."""
        settings = self._settings.of_workspace()
        self._for = settings.context
        older = self.context
        self.context = assemble.build_context(settings, self._show_progress)
        self.use_folders()
        for document in self._documents:
            self.open(document)
        for notebook, cells in self._notebooks:
            self.context.arrange(notebook, cells)
        task = asyncio.create_task(self._start_after(older, self.context))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start_after(self, older: Context, newer: Context) -> None:
        """Start `newer` once `older` has closed the index."""
        await older.close()
        self._status.end_progress(INDEXING)
        if self.context is newer:
            newer.start()

    def open(self, document: OpenDocument) -> None:
        uri, text = document.uri, document.snapshot().text
        path = self._path_of(uri)
        self.context.open(uri, path, document.language, text, document.version)

    def use_folders(self) -> None:
        """Pass on the workspace folders; tell the user which of them are no project."""
        folders = self._settings.folders
        wanted = self._settings.of_workspace().context
        for folder in filter(is_too_wide, folders if wanted.enabled else ()):
            self._status.tell(
                f"starcoder: {folder} is more than a project: at most "
                f"{wanted.max_files} of its files are read (index_max_files). "
                "Open the project's own folder, or set context = false",
                is_error=False,
            )
        self.context.use_folders(folders)

    async def close(self) -> None:
        await asyncio.gather(*self._starting)
        await self.context.close()

    def _show_progress(self, progress: IndexingProgress) -> None:
        if progress.is_lost:
            self._status.tell(
                "starcoder: no context from other files, since the indexer keeps "
                "crashing; the log tells more"
            )
        if progress.is_final:
            self._status.end_progress(INDEXING)
            return
        share = progress.n_done / max(progress.n_total, 1)
        message = f"{progress.n_done} of {progress.n_total} files"
        self._status.progress(message, share, INDEXING)
