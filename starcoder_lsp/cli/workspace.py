"""A place in a file, and the file's workspace, for commands that ask once and may wait."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starcoder_lsp.context import Context, Gathered, IndexingProgress, NoContext
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import CURSOR_MARK, Cursor, Document
from starcoder_lsp.languages import language_of
from starcoder_lsp.runtime.paths import path_of_uri, uri_of
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings

PLACE = re.compile(r"(?P<file>.+):(?P<line>\d{1,9}):(?P<column>\d{1,9})", re.DOTALL)
# A keystroke is answered within milliseconds; a command asks so often, and so fast.
N_ASKED, AGAIN_S = 100, 0.05


def read_cursor(place: str) -> Cursor:
    """The cursor that `place` names, FILE:LINE:COLUMN or a FILE with the cursor's mark.

    Raises ConfigError with what is wrong.
    """
    found = PLACE.fullmatch(place)
    file = Path(found["file"] if found else place)
    try:
        text = file.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror}") from exc
    language = language_of(file)
    if found is None:
        if CURSOR_MARK not in text:
            raise ConfigError(
                f"expected FILE:LINE:COLUMN, or a {CURSOR_MARK} in {file}"
            )
        return _named(Cursor.marked(text, language), file)
    offset = offset_of(text, int(found["line"]), int(found["column"]))
    return _named(Cursor(Document(text, language=language), offset), file)


def _named(cursor: Cursor, file: Path) -> Cursor:
    """The cursor in a document with the URI of the file, links resolved."""
    uri, document = uri_of(Path(os.path.realpath(file))), cursor.document
    return Cursor(Document(document.text, uri, document.language), cursor.offset)


def offset_of(text: str, line: int, column: int) -> int:
    r"""The offset of a place counted from 1; past an end means that end.

    >>> offset_of("ab\ncd", 2, 2), offset_of("ab\ncd", 1, 9), offset_of("ab", 9, 1)
    (4, 2, 2)
    """
    start = 0
    for _ in range(line - 1):
        newline = text.find("\n", start)
        if newline < 0:
            return len(text)
        start = newline + 1
    end = text.find("\n", start)
    content = text[start : end if end >= 0 else len(text)].rstrip("\r")
    return start + min(max(column - 1, 0), len(content))


def file_of(cursor: Cursor) -> Path:
    """The file of a cursor that `read_cursor` made."""
    path = path_of_uri(cursor.document.uri)
    assert path is not None
    return path


@asynccontextmanager
async def opened(
    cursor: Cursor,
    settings: Settings,
    folders: Sequence[Path],
    patience_s: float | None = None,
    until: asyncio.Future[None] | None = None,
) -> AsyncIterator[Context]:
    """The context as it is once `folders` are read, or patience is over.

    It is over after `patience_s`, and when `until` is done.
    """
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
            reading = asyncio.ensure_future(is_read.wait())
            waits: list[asyncio.Future[Any]] = [reading]
            waits += [until] if until is not None else []
            try:
                await asyncio.wait(
                    waits, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                reading.cancel()
        yield context
    finally:
        await context.close()


async def gathered(
    context: Context, cursor: Cursor, budget_characters: int, shown: range
) -> Gathered:
    """Gather context for `cursor` without a deadline, so that a request finds it ready."""
    found = Gathered()
    for _ in range(N_ASKED):
        found = await context.gather(cursor, budget_characters, shown)
        if found.path:
            break
        # The file itself is parsed by a process that may only just begin.
        await asyncio.sleep(AGAIN_S)
    return found
