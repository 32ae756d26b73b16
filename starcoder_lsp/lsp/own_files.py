"""Has files of the user's recognised by child processes, and calls back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.settings import own_file, own_file_child

# A file that was refused may be mended.
RETRY_S = 5.0


class OwnFiles:
    """Files that are being read, and those that were refused lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reading: dict[Path, asyncio.Task[None]] = {}
        self._refused: dict[Path, tuple[float, ModelBroken]] = {}

    def is_known(self, path: Path, then: Callable[[], None]) -> bool:
        """Return whether a file is recognised; otherwise it is read, and `then` is called.

        Raises ModelBroken for a file that was refused in the last seconds.
        """
        if own_file.known(path) is not None:
            return True
        refused_s, error = self._refused.get(path, (-RETRY_S, None))
        if error is not None and self._clock() - refused_s < RETRY_S:
            raise error
        if path not in self._reading:
            self._reading[path] = asyncio.create_task(self._read(path, then))
        return False

    def forget_refusals(self) -> None:
        self._refused.clear()

    async def close(self) -> None:
        for task in self._reading.values():
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)

    async def _read(self, path: Path, then: Callable[[], None]) -> None:
        try:
            await own_file_child.recognise(path)
        except ModelBroken as exc:
            self._refused[path] = (self._clock(), exc)
        finally:
            del self._reading[path]
        then()
