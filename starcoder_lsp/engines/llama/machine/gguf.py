"""Reads the header of a GGUF file, and checks it before llama.cpp does.

The message for a wrong file names the file, and a header that is known to abort
llama.cpp (`block_count` of 0 or 600) never reaches it.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from starcoder_lsp.errors import ModelBroken

MAX_ENTRIES = 1_000_000
MAX_STRING_BYTES = 1_000_000
MAX_BLOCKS = 512
STRING, ARRAY = 8, 9
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}  # fmt: skip
NOT_GGUF = (
    (b"version https://git-lfs", "a git-lfs pointer, not the model; run: git lfs pull"),
    (b"<!DOCTYPE", "a web page, not a model"),
    (b"<html", "a web page, not a model"),
    (b"PK\x03\x04", "a zip or PyTorch archive; a GGUF file is needed"),
    (b"\x80\x02", "a Python pickle; a GGUF file is needed"),
)

Value = int | float | bool | str


@dataclass(frozen=True)
class Header:
    """The entries before the tokenizer's tables, which are long and not needed.

    Numbers that the header lacks are 0.
    """

    entries: dict[str, Value]

    @property
    def architecture(self) -> str:
        return str(self.entries.get("general.architecture", ""))

    @property
    def n_blocks(self) -> int:
        return self._number("block_count")

    @property
    def n_context_trained(self) -> int:
        """The tokens of context that the model was trained with."""
        return self._number("context_length")

    @property
    def head_width(self) -> int:
        """The number of values in a key of one attention head."""
        heads = self._number("attention.head_count")
        derived = self._number("embedding_length") // heads if heads else 0
        return self._number("attention.key_length") or derived

    @property
    def kv_values_per_token(self) -> int:
        """The number of values in the KV cache of one token."""
        heads = self._number("attention.head_count")
        kv_heads = self._number("attention.head_count_kv") or heads
        return 2 * self.head_width * kv_heads * self.n_blocks

    def _number(self, key: str) -> int:
        value = self.entries.get(f"{self.architecture}.{key}", 0)
        return value if isinstance(value, int) else 0


def read_header(path: Path) -> Header:
    """Read and check a header; raises ModelBroken with the file and the reason."""
    try:
        # Checked first, because opening a FIFO waits for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ModelBroken(f"{path} is not a file; give the path of the GGUF file")
        with path.open("rb") as file:
            header = _parse(file)
    except FileNotFoundError:
        raise ModelBroken(f"{path}: there is no such file") from None
    except OSError as exc:
        raise ModelBroken(f"{path} cannot be read: {exc.strerror}") from exc
    except _Malformed as exc:
        raise ModelBroken(f"{path} is {exc}") from exc
    n_blocks = header.entries.get(f"{header.architecture}.block_count")
    if isinstance(n_blocks, int) and not 1 <= n_blocks <= MAX_BLOCKS:
        raise ModelBroken(f"{path} is damaged: its header names {n_blocks} layers")
    return header


class _Malformed(Exception):
    """The rest of the sentence "FILE is …"."""


def _parse(file: BinaryIO) -> Header:
    _check_magic(file.read(32))
    file.seek(4)
    version, _n_tensors, n_entries = _unpack(file, "IQQ")
    if version not in (2, 3):
        raise _Malformed(f"GGUF version {version}; versions 2 and 3 are supported")
    if n_entries > MAX_ENTRIES:
        raise _Malformed(f"damaged: it claims {n_entries} header entries")
    entries: dict[str, Value] = {}
    for _ in range(n_entries):
        key = _string(file)
        (kind,) = _unpack(file, "I")
        if kind == ARRAY:
            if key.startswith("tokenizer."):
                break
            _skip_array(file)
        else:
            entries[key] = _scalar(file, kind)
    return Header(entries)


def _check_magic(start: bytes) -> None:
    for magic, reason in NOT_GGUF:
        if start.startswith(magic):
            raise _Malformed(reason)
    if not start.startswith(b"GGUF"):
        raise _Malformed("not a GGUF file" if start else "empty")


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    layout = "<" + layout
    raw = file.read(struct.calcsize(layout))
    if len(raw) < struct.calcsize(layout):
        raise _Malformed("cut short: get it again")
    return struct.unpack(layout, raw)


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    if length > MAX_STRING_BYTES:
        raise _Malformed(f"damaged: a string of {length} bytes in its header")
    raw = file.read(length)
    if len(raw) < length:
        raise _Malformed("cut short: get it again")
    return raw.decode(errors="replace")


def _scalar(file: BinaryIO, kind: int) -> Value:
    if kind == STRING:
        return _string(file)
    if kind not in NUMBERS:
        raise _Malformed(f"damaged: a header entry of type {kind}")
    return _unpack(file, NUMBERS[kind])[0]


def _skip_array(file: BinaryIO) -> None:
    kind, length = _unpack(file, "IQ")
    if length > MAX_ENTRIES:
        raise _Malformed(f"damaged: a list of {length} entries in its header")
    for _ in range(length):
        _scalar(file, kind)
