"""GGUF files of other programs are found where they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from starcoder_lsp.models import local_stores
from starcoder_lsp.models.local_stores import OLLAMA_MODEL


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HF_HOME")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("OLLAMA_MODELS", raising=False)
    monkeypatch.setattr(
        local_stores,
        "_ollama_roots",
        lambda: [tmp_path / ".ollama" / "models"],
    )
    return tmp_path


def write(path: Path, content: bytes = b"GGUF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def pulled(home: Path, name: str, layers: object) -> None:
    manifest = home / ".ollama" / "models" / "manifests" / name
    write(manifest, json.dumps({"layers": layers}).encode())


def found() -> list[tuple[str, str]]:
    return [(file.program, file.name) for file in local_stores.local_files()]


def test_models_of_ollama_are_their_blobs(home: Path) -> None:
    blob = write(home / ".ollama" / "models" / "blobs" / "sha256-ab12", b"GGUF1")
    layer = {"mediaType": OLLAMA_MODEL, "digest": "sha256:ab12"}
    other = {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:c"}
    pulled(home, "registry.ollama.ai/library/starcoder2/3b", [other, layer])
    pulled(home, "hf.co/me/model-GGUF/Q4_K_M", [layer])
    files = local_stores.local_files()
    assert [(file.name, file.path, file.size_bytes) for file in files] == [
        ("hf.co/me/model-GGUF:Q4_K_M", blob, 5),
        ("starcoder2:3b", blob, 5),
    ]


@pytest.mark.parametrize(
    "layers",
    [
        None,
        [],
        [{}],
        [{"mediaType": OLLAMA_MODEL, "digest": "../../etc/passwd"}],
        [{"mediaType": OLLAMA_MODEL, "digest": "sha256:gone"}],
    ],
)
def test_a_manifest_without_a_blob_is_left_out(home: Path, layers: object) -> None:
    write(home / "etc" / "passwd")
    pulled(home, "registry.ollama.ai/library/starcoder2/3b", layers)
    assert found() == []


def test_models_of_lm_studio_and_hugging_face_are_found(home: Path) -> None:
    write(home / ".lmstudio" / "models" / "bartowski" / "a-GGUF" / "a.gguf")
    write(home / ".lmstudio" / "models" / "bartowski" / "a-GGUF" / "mmproj-a.gguf")
    hub = home / ".cache" / "huggingface" / "hub" / "models--me--b-GGUF" / "snapshots"
    write(hub / ("0" * 40) / "b-00001-of-00002.gguf")
    write(hub / ("0" * 40) / "b-00002-of-00002.gguf")
    assert found() == [
        ("LM Studio", "bartowski/a-GGUF/a.gguf"),
        ("Hugging Face", "me/b-GGUF/b-00001-of-00002.gguf"),
    ]


def test_without_such_programs_nothing_is_found(home: Path) -> None:
    assert found() == []
