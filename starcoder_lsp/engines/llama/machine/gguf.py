"""Reads the header of a GGUF file, and checks it before llama.cpp does.

The message for a wrong file names the file, and a header that is known to abort
llama.cpp (`block_count` of 0 or 600) never reaches it.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import re
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from starcoder_lsp.errors import ModelBroken

MAX_ENTRIES = 1_000_000
MAX_STRING_BYTES = 1_000_000
MAX_NAME = 200
MAX_BLOCKS = 512
MAX_PARTS = 1000
MAX_JSON_BYTES = 100_000_000
STRING, ARRAY = 8, 9
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}  # fmt: skip
BIG_ENDIAN_VERSIONS = tuple(version << 24 for version in (1, 2, 3))
# A model of several files: llama.cpp is given the first, and finds the others beside it.
PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
# What files hold that are no model, by `general.type` and by architecture.
NO_MODEL_TYPES = {
    "adapter": "a LoRA adapter, not a model; give the path of the model that it belongs to",
    "mmproj": "a vision projector (mmproj); give the path of the language model beside it",
    "imatrix": "an importance matrix, which is used to make models; a model is needed",
}
NO_MODEL_ARCHITECTURES = {"clip": NO_MODEL_TYPES["mmproj"]}
EMBEDDINGS = (
    "an embedding model, which generates no text; give the path of another model"
)
NOT_GGUF = (
    (b"version https://git-lfs", "a git-lfs pointer, not the model; run: git lfs pull"),
    (b"<!DOCTYPE", "a web page, not a model"),
    (b"<html", "a web page, not a model"),
    (b"PK\x03\x04", "a zip or PyTorch archive; a GGUF file is needed"),
    (b"\x80\x02", "a Python pickle; a GGUF file is needed"),
)
CONVERT = (
    "get the model as a GGUF file (starcoder-lsp models list), or convert it with "
    "llama.cpp's convert_hf_to_gguf.py"
)

Value = int | float | bool | str


@dataclass(frozen=True)
class Header:
    """The entries before the tokenizer's tables, which are long and not needed.

    Numbers that the header lacks are 0.
    """

    entries: dict[str, Value]
    n_tensors: int = 1

    @property
    def architecture(self) -> str:
        return str(self.entries.get("general.architecture", ""))

    @property
    def license(self) -> str:
        """The name of the licence as Hugging Face spells it; empty if it is not said."""
        return str(self.entries.get("general.license", ""))[:MAX_NAME]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the file's model and of the models that it was made from."""
        keys = ("name", "basename", "finetune", "size_label", "base_model.0.name")
        found = (self.entries.get(f"general.{key}") for key in keys)
        return tuple(name[:MAX_NAME] for name in found if isinstance(name, str))

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

    @property
    def n_experts(self) -> int:
        """The number of experts of which a part computes for each token."""
        return self._number("expert_count")

    def _number(self, key: str) -> int:
        value = self.entries.get(f"{self.architecture}.{key}", 0)
        return value if isinstance(value, int) else 0


def read_header(path: Path) -> Header:
    """Read and check a header; raises ModelBroken with the file and the reason."""
    try:
        # Checked first, because opening a FIFO waits for its writer.
        _check_kind(path)
        _check_parts(path)
        with path.open("rb") as file:
            header = _parse(file)
        _check_content(header)
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


def size_bytes(path: Path) -> int:
    """Return the size of a model, which may be of several files."""
    return sum(part.stat().st_size for part in parts_of(path))


def dense_bytes(path: Path) -> int:
    """Return the size of a model of which every token needs all; 0 for one of experts."""
    return 0 if read_header(path).n_experts else size_bytes(path)


def parts_of(path: Path) -> list[Path]:
    """Return the files of the model that begins with `path`."""
    if not (found := PART.search(path.name)):
        return [path]
    start = path.name[: found.start()]
    n_parts = min(int(found[2]), MAX_PARTS)
    return [
        path.with_name(f"{start}-{number:05}-of-{found[2]}.gguf")
        for number in range(1, n_parts + 1)
    ]


class _Malformed(Exception):
    """The rest of the sentence "FILE is …"."""


def _check_kind(path: Path) -> None:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        has_safetensors = any(path.glob("*.safetensors"))
        what = "a folder of safetensors" if has_safetensors else "a folder"
        raise _Malformed(
            f"{what}; {CONVERT if has_safetensors else 'give the path of a GGUF file'}"
        )
    if not stat.S_ISREG(mode):
        raise _Malformed("not a file; give the path of the GGUF file")


def _check_parts(path: Path) -> None:
    parts = parts_of(path)
    if path.name != parts[0].name:
        raise _Malformed(f"a part of a model; give the path of the first: {parts[0]}")
    missing = [part.name for part in parts if not part.exists()]
    if missing:
        raise _Malformed(
            f"one of {len(parts)} parts, and {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} not beside it: get them, too"
        )


def _check_content(header: Header) -> None:
    kind = str(header.entries.get("general.type", "model"))
    no_model = NO_MODEL_TYPES.get(kind) or NO_MODEL_ARCHITECTURES.get(
        header.architecture
    )
    if no_model:
        raise _Malformed(no_model)
    pooling = header.entries.get(f"{header.architecture}.pooling_type", 0)
    is_causal = header.entries.get(f"{header.architecture}.attention.causal", True)
    if pooling or not is_causal:
        raise _Malformed(EMBEDDINGS)
    if not header.n_tensors:
        raise _Malformed("without weights, such as a file of a vocabulary for tests")


def _parse(file: BinaryIO) -> Header:
    _check_magic(file.read(32))
    file.seek(4)
    version, n_tensors, n_entries = _unpack(file, "IQQ")
    if version in BIG_ENDIAN_VERSIONS:
        raise _Malformed(
            "for big-endian machines; get a file that does not have BE in its name"
        )
    if version not in (2, 3):
        raise _Malformed(
            f"of GGUF version {version}; versions 2 and 3 are supported: get a newer file"
        )
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
    return Header(entries, n_tensors)


def _check_magic(start: bytes) -> None:
    for magic, reason in NOT_GGUF:
        if start.startswith(magic):
            raise _Malformed(reason)
    # The length of a header of JSON, then the header: safetensors' format.
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= MAX_JSON_BYTES:
        raise _Malformed(f"a safetensors file; {CONVERT}")
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
