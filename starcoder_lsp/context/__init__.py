"""Context from other files of the workspace, computed in a child process.

The front process sees a `Context`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from starcoder_lsp.flow import Cell, Cursor, Judgement, Snippet

GIT_RULES = ".gitignore"
# Our own ignore file, and those in which other assistants keep the same rules.
ASSISTANT_RULES = (
    ".starcoderignore", ".aiignore", ".aiexclude", ".aiderignore", ".augmentignore",
    ".clineignore", ".codeiumignore", ".codyignore", ".continueignore",
    ".copilotignore", ".cursorignore", ".cursorindexingignore", ".geminiignore",
    ".llmignore", ".noai", ".rooignore", ".tabbyignore", ".windsurfignore",
)  # fmt: skip
RULE_FILES = frozenset((GIT_RULES, *ASSISTANT_RULES))
REPOSITORY_RULES = ("info", "exclude")


def are_rules(path: Path) -> bool:
    """Return whether a file holds ignore rules."""
    return path.name in RULE_FILES or path.parts[-2:] == REPOSITORY_RULES


def base_of(root: str) -> str:
    """Return the prefix that all paths below a folder share; "/" for the root directory.

    >>> base_of("/home/me/project"), base_of("/")
    ('/home/me/project/', '/')
    """
    return f"{root.rstrip('/')}/"


@dataclass(frozen=True)
class Edit:
    """`text` replaces the code points from `start` to `end`, `end` excluded."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Gathered:
    """Snippets in the order of the prompt, the best one last, and the document's place.

    `path` is the document's path relative to its workspace folder, and `repository` the
    name of that folder; both are empty for a document outside all folders. `cells` are
    the other cells of its notebook, in order; with them, `path` is the notebook's file.
    """

    snippets: tuple[Snippet, ...] = ()
    path: str = ""
    repository: str = ""
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class IndexingProgress:
    """Progress of the first look at a workspace; `n_total` grows during the walk.

    `is_lost` means that there will be no context, because its process keeps dying.
    """

    n_done: int
    n_total: int
    is_final: bool = False
    is_lost: bool = False


@dataclass(frozen=True)
class Statistics:
    """Counts of what is indexed; `skipped` counts files by the reason they are left out."""

    n_files: int = 0
    n_symbols: int = 0
    n_pending: int = 0
    is_in_memory: bool = False
    languages: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


class Context(Protocol):
    """Context for open documents.

    No method raises or blocks; on failure they return less context. Documents may be
    opened before `start`. After a crash of its process, everything open is sent again.
    """

    def start(self) -> None: ...

    async def close(self) -> None: ...

    def use_folders(self, folders: Sequence[Path]) -> None: ...

    def open(
        self, uri: str, path: Path | None, language: str, text: str, version: int
    ) -> None: ...

    def change(self, uri: str, version: int, edits: Sequence[Edit]) -> None:
        """Apply `edits` in order, each to the result of the one before."""
        ...

    def close_document(self, uri: str) -> None: ...

    def arrange(self, notebook: str, cells: Sequence[str]) -> None:
        """Declare open documents to be the cells of a notebook, in this order."""
        ...

    def visit(self, uri: str) -> None:
        """Note that the user looks at this document now."""
        ...

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Note that the client saw these files created, changed or deleted."""
        ...

    async def gather(
        self, cursor: Cursor, budget_characters: int, shown: range
    ) -> Gathered:
        """Return the best snippets for `cursor`, within a deadline of some milliseconds.

        `shown` are the offsets of the document that the prompt shows anyway.
        """
        ...

    async def judge(self, cursor: Cursor, texts: Sequence[str]) -> list[Judgement]:
        """Return a parser's judgement of each text at `cursor`; empty if it has none."""
        ...

    async def statistics(self) -> Statistics: ...


class NoContext:
    """The context of users who want none."""

    def start(self) -> None: ...

    async def close(self) -> None: ...

    def use_folders(self, folders: Sequence[Path]) -> None: ...

    def open(
        self, uri: str, path: Path | None, language: str, text: str, version: int
    ) -> None: ...

    def change(self, uri: str, version: int, edits: Sequence[Edit]) -> None: ...

    def close_document(self, uri: str) -> None: ...

    def arrange(self, notebook: str, cells: Sequence[str]) -> None: ...

    def visit(self, uri: str) -> None: ...

    def files_changed(self, paths: Sequence[Path]) -> None: ...

    async def gather(
        self, cursor: Cursor, budget_characters: int, shown: range
    ) -> Gathered:
        return Gathered()

    async def judge(self, cursor: Cursor, texts: Sequence[str]) -> list[Judgement]:
        return []

    async def statistics(self) -> Statistics:
        return Statistics()
