"""Finds the settings for a document."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starcoder_lsp.lsp.documents.uris import named_path_of, path_of
from starcoder_lsp.runtime.network_disks import DISKS
from starcoder_lsp.settings.files import ConfigFiles
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import Layer, Resolved, editor_layer, resolve

# The settings of a project that cannot be read, because it may forbid suggestions.
UNREACHABLE = Layer("a network disk that does not answer", {"enabled": False})
# How long a change of a settings file may go unnoticed. We do not watch the files.
FRESH_S = 2.0


class FolderSettings:
    """Resolves the settings of each folder, and keeps them for `FRESH_S`."""

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
        self._is_trusted = True
        self._known: dict[tuple[Path, ...], tuple[float, Resolved]] = {}

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

    def use_editor_at_start(self, options: Any, *, is_trusted: bool = True) -> None:
        """Take the settings of initializationOptions, which apply for the whole session.

        In a workspace that the user does not trust, no project's file applies.
        """
        self._at_start = editor_layer(options)
        self._is_trusted = is_trusted
        self._known.clear()

    def use_editor(self, options: Any) -> None:
        """Take options that the editor sends later, in place of those it sent before."""
        self._editor = editor_layer(options)
        self._known.clear()

    def of_workspace(self) -> Settings:
        first = self._folders[:1]
        return self._at(first[0] if first else None, key=first)

    def of_document(self, uri: str) -> Settings:
        path, named = path_of(uri), named_path_of(uri)
        if path is None or named is None:
            return self.of_workspace()
        return self._at(named, key=(path.parent, named.parent))

    def _at(self, start: Path | None, *, key: tuple[Path, ...]) -> Settings:
        """Return the settings for a path. All paths with the same key have the same settings.

        While a network disk does not answer, they stay as they were.
        """
        now = self._clock()
        at, resolved = self._known.get(key, (-FRESH_S, None))
        is_old = resolved is None or now - at >= FRESH_S
        if is_old and not DISKS.are_reachable((*self._folders, *key)):
            return resolved.settings if resolved else self._of_unreachable()
        if resolved is None or is_old:
            resolved = self._files.resolve(
                start if self._is_trusted else None,
                self._folders,
                self._at_start,
                self._editor,
                self._flags,
            )
            self._known[key] = (now, resolved)
            for problem in resolved.problems:
                self._tell(f"starcoder: {problem}")
        return resolved.settings

    def _of_unreachable(self) -> Settings:
        layers = self._at_start, self._editor, self._flags, UNREACHABLE
        return resolve(layers).settings
