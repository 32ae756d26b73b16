"""Which settings hold for which document."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starcoder_lsp.lsp.documents.uris import path_of
from starcoder_lsp.settings.resolve import (
    ConfigFiles,
    Layer,
    Resolved,
    Settings,
    editor_layer,
)

# How long a change to a file may go unnoticed; nothing has to be watched.
FRESH_S = 2.0


class FolderSettings:
    """Resolves settings per folder and remembers them for a moment."""

    def __init__(
        self,
        flags: Layer,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flags = flags
        self._tell = tell
        self._clock = clock
        self._files = ConfigFiles()
        self._at_start = self._editor = editor_layer(None)
        self._folders: tuple[Path, ...] = ()
        self._known: dict[Path | None, tuple[float, Resolved]] = {}

    @property
    def folders(self) -> tuple[Path, ...]:
        return self._folders

    def use_folders(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders
        self._known.clear()

    def change_folders(
        self, added: tuple[Path, ...], removed: tuple[Path, ...]
    ) -> None:
        kept = [folder for folder in self._folders if folder not in removed]
        self.use_folders((*kept, *added))

    def use_editor_at_start(self, options: Any) -> None:
        """The initializationOptions, which hold all session long."""
        self._at_start = editor_layer(options)
        self._known.clear()

    def use_editor(self, options: Any) -> None:
        """Options that the editor sends later; they replace those it sent before."""
        self._editor = editor_layer(options)
        self._known.clear()

    def of_workspace(self) -> Settings:
        return self._of_folder(self._folders[0] if self._folders else None)

    def of_document(self, uri: str) -> Settings:
        path = path_of(uri)
        if path is None:
            return self.of_workspace()
        return self._of_folder(path.parent)

    def _of_folder(self, folder: Path | None) -> Settings:
        now = self._clock()
        at, resolved = self._known.get(folder, (-FRESH_S, None))
        if resolved is None or now - at >= FRESH_S:
            root = self._root_of(folder)
            resolved = self._files.resolve(
                folder, root, self._at_start, self._editor, self._flags
            )
            self._known[folder] = (now, resolved)
            for problem in resolved.problems:
                self._tell(f"starcoder: {problem}")
        return resolved.settings

    def _root_of(self, folder: Path | None) -> Path | None:
        """The innermost workspace folder that holds `folder`."""
        if folder is None:
            return None
        around = [root for root in self._folders if folder.is_relative_to(root)]
        return max(around, key=lambda root: len(root.parts), default=None)
