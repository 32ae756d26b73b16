"""KV caches on disk, from the end of an engine's process to the start of the next.

A KV cache can be turned back into the user's code, so only the user can read its file.
llama.cpp may abort on a damaged state: it gets no file whose checksum is wrong, and none
again that has ended a process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
from array import array
from collections.abc import Sequence
from pathlib import Path

from starcoder_lsp.runtime import private_files

logger = logging.getLogger(__name__)

# Files of the first format may hold secrets.
FORMAT = 2
SUFFIX = ".kv"
TRIED_SUFFIX = ".kv-tried"
TOKEN_TYPE = "i"
# Room for the header and the tokens beside the state itself.
EXTRA_BYTES = 1 << 20
# Files older than this were left by a process that was killed while it wrote.
LEFTOVER_S = 3600

State = tuple[list[int], memoryview]


class KvFiles:
    """One file for each key, `max_bytes` in all; with 0 none is kept."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self.max_bytes = max_bytes

    def keep(
        self, key: str, tokens: Sequence[int], state: bytes | bytearray | memoryview
    ) -> None:
        """Save a state and its tokens; raises OSError when that is impossible."""
        packed = array(TOKEN_TYPE, tokens).tobytes()
        header = {
            "format": FORMAT,
            "key": key,
            "n_tokens": len(tokens),
            "sha256": _sum(key, len(tokens), packed, state),
        }
        private_files.folder(self._folder)
        self._make_room(memoryview(state).nbytes, key)
        line = json.dumps(header).encode() + b"\n"
        private_files.write(self._path(key), line, packed, memoryview(state))

    def find(self, key: str) -> State | None:
        """Return what was saved under `key`; a damaged file is deleted."""
        self._make_room(0, key)
        path = self._path(key)
        try:
            raw = private_files.read(path, self.max_bytes + EXTRA_BYTES)
            return _parsed(raw, key)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as exc:
            logger.info("a saved KV cache is not used: %s", exc)
            self._delete(path)
            return None

    def set_aside(self, key: str) -> None:
        """Hide the file until `put_back`, in case that using it ends the process."""
        with contextlib.suppress(OSError):
            self._path(key).replace(self._path(key).with_suffix(TRIED_SUFFIX))

    def put_back(self, key: str) -> None:
        with contextlib.suppress(OSError):
            self._path(key).with_suffix(TRIED_SUFFIX).replace(self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{SUFFIX}"

    def _make_room(self, n_bytes: int, key: str) -> None:
        """Delete leftovers, and the oldest files until `n_bytes` more fit."""
        try:
            sizes = {path: path.lstat() for path in self._folder.iterdir()}
        except OSError:
            return
        total = n_bytes
        newest_first = sorted(sizes, key=lambda path: -sizes[path].st_mtime)
        for path in newest_first:
            is_leftover = path.suffix != SUFFIX
            if is_leftover and time.time() - sizes[path].st_mtime < LEFTOVER_S:
                continue
            is_replaced = n_bytes > 0 and path == self._path(key)
            total += 0 if is_replaced else sizes[path].st_size
            if (
                is_leftover
                or total > self.max_bytes + EXTRA_BYTES
                or not self.max_bytes
            ):
                self._delete(path)

    @staticmethod
    def _delete(path: Path) -> None:
        try:
            path.unlink()
        except OSError as exc:
            logger.info("%s cannot be deleted: %s", path, exc.strerror)


def _parsed(raw: bytes, key: str) -> State:
    line, _, body = raw.partition(b"\n")
    header = json.loads(line)
    if (header["format"], header["key"]) != (FORMAT, key):
        raise ValueError("it belongs to another model or setting")
    n_tokens = int(header["n_tokens"])
    if header["sha256"] != _sum(key, n_tokens, body):
        raise ValueError("it is damaged")
    n_bytes = n_tokens * array(TOKEN_TYPE).itemsize
    tokens = array(TOKEN_TYPE)
    tokens.frombytes(body[:n_bytes])
    return list(tokens), memoryview(body)[n_bytes:]


def _sum(key: str, n_tokens: int, *chunks: bytes | bytearray | memoryview) -> str:
    digest = hashlib.sha256(f"{FORMAT} {key} {n_tokens}\n".encode())
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()
