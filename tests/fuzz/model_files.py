"""What models and other programs leave on disk: added models, trials, Ollama's manifests."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from fuzz import values
from starcoder_lsp.cli.models import as_object
from starcoder_lsp.completion.probe import Verdict
from starcoder_lsp.errors import StarcoderError
from starcoder_lsp.models import local_stores, registry
from starcoder_lsp.settings import assemble, own_file
from starcoder_lsp.settings.options import EngineSettings

ROW = {
    "title": "mine.gguf",
    "family": "starcoder2",
    "license": "unknown",
    "context_tokens": 16384,
    "sha256": "0" * 64,
    "source": {"kind": "url", "url": "https://example.org/models/mine.gguf"},
}
ADDED = {"mine": ROW, "other": {**ROW, "family": "plain"}}
TRIALS = {"/models/mine.gguf 8199552 1764000000": [3, 3, 3], "/b.gguf 1 1": [0, 2, 3]}
DIGEST = "sha256:" + "ab" * 32
MANIFEST = {
    "schemaVersion": 2,
    "config": {"mediaType": "application/json", "digest": DIGEST, "size": 1},
    "layers": [
        {"mediaType": local_stores.OLLAMA_MODEL, "digest": DIGEST, "size": 1},
        {"mediaType": "application/vnd.ollama.image.template", "digest": DIGEST},
    ],
}
DEEP = b"[" * 100_000
VARIABLES = ("STARCODER_LSP_DATA", "STARCODER_LSP_CACHE", "OLLAMA_MODELS")


def _damaged(random: Random, value: Any) -> bytes:
    """Return JSON with another value in one place, or with damaged bytes."""
    kind = random.random()
    if kind < 0.02:
        return DEEP
    if kind < 0.7:
        return json.dumps(values.damaged_json(random, value)).encode()
    return values.damaged(random, json.dumps(value).encode())


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a directory that holds all data of the program meanwhile."""
    before = {name: os.environ.get(name) for name in VARIABLES}
    with tempfile.TemporaryDirectory() as name:
        os.environ.update(dict.fromkeys(VARIABLES, name))
        try:
            yield Path(name)
        finally:
            for variable, value in before.items():
                os.environ.pop(variable)
                if value is not None:
                    os.environ[variable] = value


def make_added(random: Random) -> bytes:
    return _damaged(random, ADDED)


def check_added(case: bytes) -> int:
    """Rows are whole or left out, and another model can be added."""
    with _folder() as folder:
        registry.added_file().parent.mkdir(parents=True)
        registry.added_file().write_bytes(case)
        for name, model in registry.added().items():
            file = assemble.store().path_of(model)
            assert file.parent.parent == folder / "models", "a file outside the store"
            json.dumps(as_object(model, assemble.store()))
            with suppress(StarcoderError):
                assemble.load_of(EngineSettings(model=name))
        registry.add("new", ROW)
        assert registry.find("new").family == "starcoder2", "a new row is lost"
        registry.forget("new")
    return 1


def make_trials(random: Random) -> bytes:
    return _damaged(random, TRIALS)


def check_trials(case: bytes) -> int:
    """Verdicts are sound or absent, and another one is kept."""
    with _folder() as folder:
        (folder / "trials.json").write_bytes(case)
        for verdict in own_file._verdicts().values():
            assert 0 <= verdict.n_right <= verdict.n_trials
            assert isinstance(verdict.fills, bool)
        own_file._remember("new", Verdict(1, 1))
        assert own_file._verdicts()["new"] == Verdict(1, 1), "a new verdict is lost"
    return 1


def make_manifest(random: Random) -> bytes:
    return _damaged(random, MANIFEST)


def check_manifest(case: bytes) -> int:
    """A model's file lies among the blobs, whatever the manifest says."""
    with _folder() as folder:
        blobs = folder / "blobs"
        blobs.mkdir()
        (blobs / DIGEST.replace(":", "-")).write_bytes(b"GGUF")
        manifest = folder / "manifests" / "registry.ollama.ai" / "library" / "m" / "1b"
        manifest.parent.mkdir(parents=True)
        manifest.write_bytes(case)
        for found in local_stores.local_files():
            assert found.path.parent == blobs, "a file outside the store"
    return 1
