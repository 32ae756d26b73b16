"""Files that are given as a model, and what is said about those that are none."""

from __future__ import annotations

import os
from pathlib import Path

import gguf as writer
import numpy as np
import pytest

from starcoder_lsp.engines.llama.machine import gguf, token_scan
from starcoder_lsp.errors import ModelBroken

TOKENS = ["<fim_prefix>", "x<fim_suffix>", "plain"]


def write(
    path: Path,
    architecture: str = "starcoder2",
    *,
    n_tensors: int = 1,
    **entries: str | int | bool,
) -> Path:
    """Write a header with the entries, `_` for a dot after the first word."""
    file = writer.GGUFWriter(str(path), architecture)
    for key, value in entries.items():
        name = key.replace("__", ".")
        if isinstance(value, bool):
            file.add_bool(name, value)
        elif isinstance(value, int):
            file.add_uint32(name, value)
        else:
            file.add_string(name, value)
    file.add_token_list(TOKENS)
    file.add_token_merges(["<fim_middle>"])
    for number in range(n_tensors):
        file.add_tensor(f"t{number}", np.zeros((4, 4), np.float32))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
    return path


def message(path: Path) -> str:
    with pytest.raises(ModelBroken) as caught:
        gguf.read_header(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(str(path))
    return line


@pytest.mark.parametrize("version", [2, 3])
def test_both_versions_of_the_format_are_read(tmp_path: Path, version: int) -> None:
    path = write(
        tmp_path / "a.gguf", general__name="Toy", starcoder2__context_length=2048
    )
    raw = bytearray(path.read_bytes())
    raw[4:8] = version.to_bytes(4, "little")
    path.write_bytes(raw)
    header = gguf.read_header(path)
    assert (header.names, header.architecture) == (("Toy",), "starcoder2")
    assert header.n_context_trained == 2048


@pytest.mark.parametrize(
    ("first_bytes", "reason"),
    [
        ((3).to_bytes(4, "big"), "for big-endian machines; get a file that"),
        (
            (1).to_bytes(4, "little"),
            "of GGUF version 1; versions 2 and 3 are supported",
        ),
    ],
)
def test_other_versions_and_byte_orders_are_named(
    tmp_path: Path, first_bytes: bytes, reason: str
) -> None:
    path = write(tmp_path / "a.gguf")
    raw = bytearray(path.read_bytes())
    raw[4:8] = first_bytes
    path.write_bytes(raw)
    assert reason in message(path)


@pytest.mark.parametrize(
    ("architecture", "entries", "reason"),
    [
        ("llama", {"general__type": "adapter"}, "a LoRA adapter, not a model; give"),
        ("clip", {}, "a vision projector (mmproj); give"),
        ("llama", {"general__type": "mmproj"}, "a vision projector (mmproj); give"),
        ("llama", {"general__type": "imatrix"}, "an importance matrix"),
        ("bert", {"bert__attention__causal": False}, "an embedding model"),
        ("qwen3", {"qwen3__pooling_type": 3}, "an embedding model"),
        ("llama", {"n_tensors": 0}, "without weights"),
    ],
)
def test_a_file_that_is_no_model_is_named(
    tmp_path: Path, architecture: str, entries: dict[str, str | int], reason: str
) -> None:
    path = write(tmp_path / "a.gguf", architecture, **entries)  # type: ignore[arg-type]  # n_tensors
    assert reason in message(path)


def test_a_causal_model_without_pooling_is_a_model(tmp_path: Path) -> None:
    gguf.read_header(write(tmp_path / "a.gguf", "qwen3", qwen3__pooling_type=0))


def test_a_model_of_several_files_is_given_by_its_first(tmp_path: Path) -> None:
    first, second, third = (
        write(tmp_path / f"big-{number:05}-of-00003.gguf") for number in (1, 2, 3)
    )
    gguf.read_header(first)
    assert gguf.size_bytes(first) == sum(
        path.stat().st_size for path in (first, second, third)
    )
    assert f"give the path of the first: {first}" in message(second)
    third.unlink()
    assert f"{third.name} is not beside it: get them, too" in message(first)


def test_a_folder_of_safetensors_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(8) + b'{"a": 1}')
    assert "a folder of safetensors; get the model as a GGUF file" in message(tmp_path)
    assert "a safetensors file" in message(tmp_path / "model.safetensors")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "a folder; give the path of a GGUF file" in message(empty)


def test_an_endless_name_is_cut(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gguf", general__name="starcoder2" * 10_000)
    assert len(gguf.read_header(path).names[0]) == gguf.MAX_NAME


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert "not a file" in message(tmp_path / "fifo")


def test_only_whole_tokens_of_the_vocabulary_are_found(tmp_path: Path) -> None:
    wanted = ["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "plai"]
    found = token_scan.tokens_in(write(tmp_path / "a.gguf"), wanted)
    assert found == {"<fim_prefix>"}


def test_a_file_without_a_vocabulary_has_no_tokens(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    assert token_scan.tokens_in(path, ["<fim_prefix>"]) == frozenset()
    path.write_bytes(b"")
    with pytest.raises(ModelBroken, match="cannot be read"):
        token_scan.tokens_in(path, ["<fim_prefix>"])
