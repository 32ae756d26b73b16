"""A workspace on disk, a context that indexes it, and what ended up in the index."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from starcoder_lsp.context import IndexingProgress
from starcoder_lsp.context.client import IndexedContext
from starcoder_lsp.context.index.database import file_of
from starcoder_lsp.context.index.entry import definitions_from
from starcoder_lsp.runtime.paths import cache_dir
from starcoder_lsp.runtime.supervisor import RestartPolicy

PATIENCE_S = 25.0
LONG_PATIENCE_S = 120.0
AT_ONCE = RestartPolicy(first_wait_s=0.01)


def plant(root: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Write files; a text of None deletes a file."""
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            file.unlink(missing_ok=True)
        elif isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content)
    return root


class Workspace:
    """A context over `roots`, and its answers about them."""

    def __init__(
        self,
        *roots: Path,
        ignore: tuple[str, ...] = (),
        max_files: int = 20_000,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.roots = roots
        self._patience_s = patience_s
        self.progress: list[IndexingProgress] = []
        self.context = IndexedContext(
            max_files=max_files,
            ignore=ignore,
            on_progress=self.progress.append,
            policy=AT_ONCE,
        )

    async def __aenter__(self) -> Workspace:
        self.context.use_folders(self.roots)
        self.context.start()
        await self.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.context.close()

    async def settle(self) -> None:
        """Wait for the end of the next look or reading."""
        n_told = len(self.progress)
        await until(
            lambda: any(one.is_final for one in self.progress[n_told:]),
            self._patience_s,
        )

    async def until_indexed(self, *wanted: str, root: Path | None = None) -> None:
        await until(lambda: self.indexed(root) == sorted(wanted))

    def indexed(self, root: Path | None = None) -> list[str]:
        """Return the paths of the files in the index, as another process reads it."""
        return sorted(contents(root or self.roots[0]))

    def open(self, path: Path, text: str, language: str = "python") -> str:
        uri = path.as_uri()
        self.context.open(uri, path, language, text, 1)
        return uri


async def until(holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    async with asyncio.timeout(patience_s):
        while not holds():
            await asyncio.sleep(0.01)


def contents(root: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the text and the definitions of each indexed file."""
    file = file_of(str(root.resolve()), cache_dir() / "index")
    if not file.exists():
        return {}
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as rows:
        try:
            files = rows.execute("SELECT id, path FROM file").fetchall()
            return {path: _content(rows, file_id) for file_id, path in files}
        except sqlite3.DatabaseError:
            return {}  # it is only being made, or has to be made again


def n_indexed(root: Path) -> int:
    """Return the number of files in the index."""
    file = file_of(str(root.resolve()), cache_dir() / "index")
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as rows:
        return int(rows.execute("SELECT count(*) FROM file").fetchone()[0])


def _content(rows: sqlite3.Connection, file_id: int) -> tuple[str, tuple[str, ...]]:
    text, written = rows.execute("SELECT text, definitions FROM content WHERE file_id = ?", (file_id,)).fetchone()  # fmt: skip
    return text.removesuffix("\n"), tuple(one.name for one in definitions_from(written))
