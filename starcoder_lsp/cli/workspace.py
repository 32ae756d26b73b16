"""A file in its workspace, for commands that ask once and may wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

from starcoder_lsp.context import Context, Gathered, IndexingProgress, NoContext
from starcoder_lsp.flow import Cursor
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.resolve import Settings

# What is answered within milliseconds to somebody who types, for one who waits.
N_ASKED, AGAIN_S = 100, 0.05


def file_of(cursor: Cursor) -> Path:
    """The file that a command was given."""
    return Path(unquote(cursor.document.uri.removeprefix("file://")))


@asynccontextmanager
async def opened(
    cursor: Cursor,
    settings: Settings,
    folders: Sequence[Path],
    patience_s: float | None = None,
) -> AsyncIterator[Context]:
    """The context as it is once `folders` are read, or patience is over."""
    if not settings.context.enabled:
        yield NoContext()
        return
    is_read = asyncio.Event()

    def told(progress: IndexingProgress) -> None:
        if progress.is_final:
            is_read.set()

    document = cursor.document
    context = assemble.build_context(settings, told, assemble.ONE_CRASH)
    context.use_folders(folders)
    path = file_of(cursor)
    context.open(document.uri, path, document.language, document.text, document.version)
    context.start()
    try:
        if folders:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(is_read.wait(), patience_s)
        yield context
    finally:
        await context.close()


async def gathered(
    context: Context, cursor: Cursor, budget_characters: int, shown: range
) -> Gathered:
    """What there is for `cursor`, however late; a request then finds it ready."""
    found = Gathered()
    for _ in range(N_ASKED):
        found = await context.gather(cursor, budget_characters, shown)
        if found.path:
            break
        # The file itself is parsed by a process that may only just begin.
        await asyncio.sleep(AGAIN_S)
    return found
