"""Converts a model's file to a quantization that is faster on this machine's processor.

    MODELS/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.as-q8_0.gguf    and its receipt

llama.cpp computes with most formats in kernels made for the processor's dot products, but
not with Q4_1, Q5_0 and Q5_1. For SmolLM2-135M, Q8_0 made of Q4_1 reads about twice as
fast and has the same bits per character (docs/performance.md).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from starcoder_lsp.errors import DownloadFailed
from starcoder_lsp.models.progress import OnReport, Report
from starcoder_lsp.models.registry import Model
from starcoder_lsp.models.store import SPARE_BYTES, ModelStore
from starcoder_lsp.runtime.child import clean_environment, python_module

# A format is offered once its loss of quality has been measured (docs/performance.md).
FORMATS = ("q8_0",)
# `general.file_type` of files that are slow on a CPU (llama_ftype in llama.h).
SLOW = {3: "Q4_1", 8: "Q5_0", 9: "Q5_1"}
# A file of four bits per weight becomes at most so much larger.
LARGEST_GROWTH = 2.2
PROGRAM = "starcoder_lsp.engines.llama.native.quantize"


def slow_format(file_type: object) -> str | None:
    """Return the name of a format that llama.cpp computes slowly on a CPU."""
    return SLOW.get(file_type) if isinstance(file_type, int) else None


def convert(
    store: ModelStore, model: Model, to: str, on_progress: OnReport, *, keep: bool
) -> Path:
    """Convert the model's file to the format `to`, and return the new file's path.

    The model is used in the new format from then on; without `keep` the original is
    deleted. An interrupted conversion changes nothing. Raises DownloadFailed, and what
    `store.locate` raises.
    """
    original = store.locate(model)
    converted = store.converted_path(model, to)
    if original == converted:
        return converted
    try:
        converted.parent.mkdir(parents=True, exist_ok=True)
        _require_space(original, converted.parent)
        partial = converted.with_name(f"{converted.name}.{os.getpid()}.part")
        try:
            _run(original, partial, to, on_progress)
            store.keep_converted(partial, converted)
        finally:
            partial.unlink(missing_ok=True)
        if not keep:
            store.remove_original(model)
    except OSError as exc:
        raise DownloadFailed(
            f"{converted} cannot be written: {exc.strerror or exc}; {original} is used"
        ) from exc
    return converted


def _require_space(original: Path, folder: Path) -> None:
    needed = int(original.stat().st_size * LARGEST_GROWTH) + SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadFailed(
            f"converting {original.name} may need {needed / 1e9:.1f} GB and {folder} "
            f"has {free / 1e9:.1f} GB free; free some, or use it as it is"
        )


def _run(original: Path, target: Path, to: str, on_progress: OnReport) -> None:
    """Let a child convert, which ends with this process, and with the user's Ctrl-C."""
    size_bytes = original.stat().st_size
    message = "llama.cpp's quantizer ended without a message"
    with subprocess.Popen(
        python_module(PROGRAM, str(original), str(target), to),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=clean_environment(),
        cwd=os.sep,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                report = json.loads(line)
                message = report.get("error", message)
                if "share" in report:
                    done = int(size_bytes * report["share"])
                    on_progress(Report(done, size_bytes))
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise DownloadFailed(f"{original} was not converted: {message}")
