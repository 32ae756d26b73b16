"""Finds the GGUF files that Ollama, LM Studio and huggingface_hub keep on this machine.

They are used where they are, by `model_path`; nothing is copied or changed. The layouts
were read in the documentation and the sources of these programs:

Ollama       MODELS/manifests/REGISTRY/NAMESPACE/NAME/TAG   JSON; a layer of the media type
             MODELS/blobs/sha256-DIGEST                     `…image.model` names its blob
LM Studio    MODELS/PUBLISHER/REPOSITORY/FILE.gguf
huggingface  CACHE/models--OWNER--NAME/snapshots/COMMIT/FILE.gguf
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starcoder_lsp.models import hub_cache

OLLAMA_MODEL = "application/vnd.ollama.image.model"
# Files beside models that are none.
NO_MODEL = ("mmproj", "imatrix")
MAX_FILES = 1000


@dataclass(frozen=True)
class LocalFile:
    """A GGUF file of another program: which, and what that program calls it."""

    program: str
    name: str
    path: Path
    size_bytes: int


def local_files() -> list[LocalFile]:
    """Return the files of all stores; a store that cannot be read is left out."""
    found: list[LocalFile] = []
    for program, files in (
        ("Ollama", _ollama()),
        ("LM Studio", _lm_studio()),
        ("Hugging Face", _hugging_face()),
    ):
        for name, path in files:
            if len(found) < MAX_FILES and (size_bytes := _size(path)):
                found.append(LocalFile(program, name, path, size_bytes))
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _ollama() -> Iterator[tuple[str, Path]]:
    for root in _ollama_roots():
        manifests = root / "manifests"
        for path in _files(manifests, "*/*/*/*"):
            registry, namespace, name, tag = path.relative_to(manifests).parts
            digest = _model_digest(path)
            if digest is None:
                continue
            owner = "" if namespace == "library" else f"{namespace}/"
            host = "" if registry == "registry.ollama.ai" else f"{registry}/"
            blob = root / "blobs" / digest.replace(":", "-")
            yield f"{host}{owner}{name}:{tag}", blob


def _ollama_roots() -> list[Path]:
    """Return the user's directory, and that of the service of Ollama's installer."""
    if named := os.environ.get("OLLAMA_MODELS"):
        return [Path(named)]
    return [
        Path("~/.ollama/models").expanduser(),
        Path("/usr/share/ollama/.ollama/models"),
    ]


def _model_digest(manifest: Path) -> str | None:
    try:
        layers = json.loads(manifest.read_text("utf-8"))["layers"]
        digests = [
            str(layer["digest"])
            for layer in layers
            if layer["mediaType"] == OLLAMA_MODEL
        ]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    # A digest is part of a path.
    safe = [one for one in digests if one.replace(":", "-").replace("-", "").isalnum()]
    return safe[0] if safe else None


def _lm_studio() -> Iterator[tuple[str, Path]]:
    for folder in ("~/.lmstudio/models", "~/.cache/lm-studio/models"):
        root = Path(folder).expanduser()
        for path in _files(root, "*/*/*.gguf"):
            yield str(path.relative_to(root)), path


def _hugging_face() -> Iterator[tuple[str, Path]]:
    root = hub_cache.root()
    for path in _files(root, "models--*/snapshots/*/*.gguf"):
        repository = path.relative_to(root).parts[0].removeprefix("models--")
        yield f"{repository.replace('--', '/')}/{path.name}", path


def _files(root: Path, pattern: str) -> list[Path]:
    """Return the files of a directory that fit a pattern, without parts and projectors."""
    try:
        found = sorted(path for path in root.glob(pattern) if path.is_file())
    except OSError:
        return []
    return [path for path in found if not _is_no_model(path.name.lower())]


def _is_no_model(name: str) -> bool:
    is_later_part = "-of-" in name and "-00001-of-" not in name
    return is_later_part or any(word in name for word in NO_MODEL)
