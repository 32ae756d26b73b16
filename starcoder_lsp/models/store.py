"""Model files on this machine: downloaded, verified, then moved into place.

MODELS/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf
MODELS/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf.json   size and sha256 at the download
MODELS/smollm2-135m/.get-4711-x1y2/                        a download of process 4711
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from starcoder_lsp.errors import (
    DownloadFailed,
    ModelBroken,
    ModelError,
    ModelMissing,
)
from starcoder_lsp.models.registry import Model

PARTIAL = ".get-"
SPARE_SPACE = 1.1
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Receipt:
    """Size and checksum of a file when it was downloaded."""

    size_bytes: int
    sha256: str


class ModelStore:
    """The models in one directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def path_of(self, model: Model) -> Path:
        return self._root / model.name / model.published.file

    def locate(self, model: Model) -> Path:
        """The model's file, not hashed; raises ModelMissing, ModelBroken or NoModelFile."""
        path = self.path_of(model)
        try:
            size_bytes = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise ModelMissing(
                f"the model {model.name} is not on this machine; "
                f"run: starcoder-lsp models get {model.name}"
            ) from None
        except OSError as exc:
            raise ModelBroken(f"{path} cannot be read: {exc.strerror}") from exc
        expected = self._receipt(path).size_bytes or model.size_bytes
        if expected and size_bytes != expected:
            raise ModelBroken(
                f"{path} has {size_bytes} bytes instead of {expected}; "
                f"run: starcoder-lsp models get {model.name}"
            )
        return path

    def is_present(self, model: Model) -> bool:
        try:
            self.locate(model)
        except ModelError:
            return False
        return True

    def get(self, model: Model, on_progress: Callable[[float], None]) -> Path:
        """Download the file unless it is on this machine, and return its path.

        `on_progress` is told shares from 0 to 1. An interrupted download starts again
        from the beginning. Raises DownloadFailed or NoModelFile.
        """
        if self.is_present(model):
            return self.path_of(model)
        from starcoder_lsp.models import download  # the server never needs it

        path = self.path_of(model)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._require_space(model)
            with self._partial_dir(path.parent) as partial:
                got, published = download.fetch(model.published, partial, on_progress)
                receipt = self._check(model, got, published)
                self._keep(got, path, receipt)
        except OSError as exc:
            raise DownloadFailed(
                f"{path} cannot be written: {exc.strerror or exc}; "
                "set STARCODER_LSP_DATA to a directory that can hold models"
            ) from exc
        return path

    def verify(self, model: Model) -> Receipt:
        """Compare the file's checksum; raises ModelBroken, ModelMissing or NoModelFile."""
        path = self.locate(model)
        found = Receipt(path.stat().st_size, sha256_of(path))
        expected = model.sha256 or self._receipt(path).sha256
        if expected and found.sha256 != expected:
            raise ModelBroken(
                f"{path} has sha256 {found.sha256} instead of {expected}; run: "
                f"starcoder-lsp models remove {model.name}, then models get"
            )
        return found

    def remove(self, model: Model) -> bool:
        """Delete the model's directory; False if there was none."""
        folder = self.path_of(model).parent
        if not folder.exists():
            return False
        shutil.rmtree(folder)
        return True

    def _receipt(self, path: Path) -> Receipt:
        try:
            return Receipt(**json.loads(_receipt_path(path).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return Receipt(0, "")

    def _require_space(self, model: Model) -> None:
        needed = int(model.approximate_bytes * SPARE_SPACE)
        free = shutil.disk_usage(self.path_of(model).parent).free
        if free < needed:
            raise DownloadFailed(
                f"{model.name} needs {needed / 1e9:.1f} GB and {self._root} has "
                f"{free / 1e9:.1f} GB free; free some, or set STARCODER_LSP_DATA"
            )

    def _check(self, model: Model, got: Path, published: str | None) -> Receipt:
        receipt = Receipt(got.stat().st_size, sha256_of(got))
        if model.size_bytes and receipt.size_bytes != model.size_bytes:
            raise DownloadFailed(
                f"{model.published.address} is {receipt.size_bytes} bytes instead of "
                f"{model.size_bytes}: the source has changed or the download was cut"
            )
        expected = model.sha256 or published
        if expected and receipt.sha256 != expected:
            raise DownloadFailed(
                f"{model.published.address} has sha256 {receipt.sha256} instead of "
                f"{expected}: it was damaged on the way or has changed; not kept"
            )
        return receipt

    def _keep(self, got: Path, path: Path, receipt: Receipt) -> None:
        with got.open("rb") as file:
            os.fsync(file.fileno())
        note = got.with_name(got.name + ".note")
        note.write_text(json.dumps(receipt.__dict__), "utf-8")
        note.replace(_receipt_path(path))
        got.replace(path)

    @contextlib.contextmanager
    def _partial_dir(self, folder: Path) -> Iterator[Path]:
        for old in folder.glob(PARTIAL + "*"):
            if not _is_alive(old.name.removeprefix(PARTIAL).partition("-")[0]):
                shutil.rmtree(old, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{os.getpid()}-", dir=folder))
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def sha256_of(path: Path) -> str:
    import hashlib  # the server never needs it

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _receipt_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
