"""Models are converted to faster formats by llama.cpp's own quantizer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.errors import DownloadFailed, ModelBroken
from starcoder_lsp.models import convert
from starcoder_lsp.models.progress import Report
from starcoder_lsp.models.registry import HubFile, Model
from starcoder_lsp.models.store import ModelStore

MODEL = Model(
    "tiny", "Tiny", "starcoder2", "none", 1024, source=HubFile("them/it", "tiny.gguf")
)


class Machine(NamedTuple):
    store: ModelStore
    original: Path


@pytest.fixture
def machine(tmp_path: Path, tiny_starcoder2: Path) -> Machine:
    store = ModelStore(tmp_path / "models")
    original = store.path_of(MODEL)
    original.parent.mkdir(parents=True)
    shutil.copyfile(tiny_starcoder2, original)
    return Machine(store, original)


def files(machine: Machine) -> list[str]:
    return sorted(path.name for path in machine.original.parent.iterdir())


def test_the_converted_file_replaces_the_original(machine: Machine) -> None:
    reports: list[Report] = []
    size = machine.original.stat().st_size
    path = convert.convert(machine.store, MODEL, "q8_0", reports.append, keep=False)
    assert files(machine) == ["tiny.as-q8_0.gguf", "tiny.as-q8_0.gguf.json"]
    assert machine.store.locate(MODEL) == path
    assert path.stat().st_size < 0.7 * size
    assert reports[-1].share == 1.0
    machine.store.verify(MODEL)
    library.set_up()
    assert LlamaModel(path).is_decoder


def test_the_original_can_stay(machine: Machine) -> None:
    path = convert.convert(machine.store, MODEL, "q8_0", lambda report: None, keep=True)
    assert machine.original.exists()
    assert machine.store.locate(MODEL) == path


def test_a_converted_model_is_not_converted_again(machine: Machine) -> None:
    convert.convert(machine.store, MODEL, "q8_0", lambda report: None, keep=False)
    reports: list[Report] = []
    path = convert.convert(machine.store, MODEL, "q8_0", reports.append, keep=False)
    assert path == machine.store.locate(MODEL)
    assert reports == []


def test_an_interrupted_conversion_changes_nothing(machine: Machine) -> None:
    def interrupt(_report: Report) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert.convert(machine.store, MODEL, "q8_0", interrupt, keep=False)
    assert files(machine) == ["tiny.gguf"]
    assert machine.store.locate(MODEL) == machine.original


def test_what_llama_cpp_cannot_convert_stays_as_it_is(machine: Machine) -> None:
    content = machine.original.read_bytes()
    machine.original.write_bytes(content[: len(content) // 2])
    with pytest.raises(DownloadFailed, match="was not converted"):
        convert.convert(machine.store, MODEL, "q8_0", lambda report: None, keep=False)
    assert files(machine) == ["tiny.gguf"]


def test_a_full_disk_is_noticed_before_anything_is_written(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(machine.original.parent)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DownloadFailed, match="may need"):
        convert.convert(machine.store, MODEL, "q8_0", lambda report: None, keep=False)
    assert files(machine) == ["tiny.gguf"]


def test_a_converted_file_that_was_changed_is_noticed(machine: Machine) -> None:
    path = convert.convert(
        machine.store, MODEL, "q8_0", lambda report: None, keep=False
    )
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ModelBroken, match="models get tiny"):
        machine.store.locate(MODEL)
