"""What other files can tell about the place being written.

All of it is computed in a child process; the front sees a `Context`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from starcoder_lsp.flow import Cell, Cursor, Judgement, Snippet

GIT_RULES = ".gitignore"
# Ours, and where other assistants let a user say the same.
ASSISTANT_RULES = (
    ".starcoderignore", ".aiignore", ".aiexclude", ".aiderignore", ".augmentignore",
    ".clineignore", ".codeiumignore", ".codyignore", ".continueignore",
    ".copilotignore", ".cursorignore", ".cursorindexingignore", ".geminiignore",
    ".llmignore", ".noai", ".rooignore", ".tabbyignore", ".windsurfignore",
)  # fmt: skip
RULE_FILES = frozenset((GIT_RULES, *ASSISTANT_RULES))
REPOSITORY_RULES = ("info", "exclude")


def are_rules(path: Path) -> bool:
    """Whether a file says what of the others must not be read."""
    return path.name in RULE_FILES or path.parts[-2:] == REPOSITORY_RULES


def base_of(root: str) -> str:
    """What the paths of all files below a folder begin with, also below the whole disk.

    >>> base_of("/home/me/project"), base_of("/")
    ('/home/me/project/', '/')
    """
    return f"{root.rstrip('/')}/"


@dataclass(frozen=True)
class Edit:
    """`text` replaces the code points from `start` up to `end`, not included."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Gathered:
    """Snippets in the order of the prompt, the best one last, and how the model is told where it is.

    `path` is the document's own, relative to its workspace folder, and `repository`
    that folder's name; for a document outside of every folder both are empty, or those
    of its file where there are `cells`, the others of its notebook in their order.
    """

    snippets: tuple[Snippet, ...] = ()
    path: str = ""
    repository: str = ""
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class IndexingProgress:
    """How far the first look at a workspace is; `n_total` grows while it is walked.

    `is_lost` tells that there will be no context: its process keeps dying.
    """

    n_done: int
    n_total: int
    is_final: bool = False
    is_lost: bool = False


@dataclass(frozen=True)
class Statistics:
    """What is indexed; `skipped` counts files by the reason they were left out."""

    n_files: int = 0
    n_symbols: int = 0
    n_pending: int = 0
    is_in_memory: bool = False
    languages: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


class Context(Protocol):
    """Nothing here raises or blocks: on trouble there is less context.

    Documents may be opened before `start`; what is open is told again after a crash.
    """

    def start(self) -> None: ...

    async def close(self) -> None: ...

    def use_folders(self, folders: Sequence[Path]) -> None: ...

    def open(
        self, uri: str, path: Path | None, language: str, text: str, version: int
    ) -> None: ...

    def change(self, uri: str, version: int, edits: Sequence[Edit]) -> None:
        """Apply `edits` in their order, each to the text that the one before left."""
        ...

    def close_document(self, uri: str) -> None: ...

    def arrange(self, notebook: str, cells: Sequence[str]) -> None:
        """These open documents are the cells of a notebook, in this order."""
        ...

    def visit(self, uri: str) -> None:
        """The user looks at this document now."""
        ...

    def files_changed(self, paths: Sequence[Path]) -> None:
        """The client saw these being created, changed or deleted."""
        ...

    async def gather(
        self, cursor: Cursor, budget_characters: int, shown: range
    ) -> Gathered:
        """The best snippets for `cursor`, within a deadline of few milliseconds.

        `shown` are the offsets of the document that the model sees anyway.
        """
        ...

    async def judge(self, cursor: Cursor, texts: Sequence[str]) -> list[Judgement]:
        """What a parser says of each text at `cursor`; empty when it cannot say."""
        ...

    async def statistics(self) -> Statistics: ...


class NoContext:
    """What there is when the user wants none."""

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
