"""`starcoder-lsp doctor`: what is right, what is not, and what to do about it."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starcoder_lsp import __version__, assemble
from starcoder_lsp.child import python_module
from starcoder_lsp.cli.flags import add_option_flags, resolve_for
from starcoder_lsp.config import Resolved, Settings
from starcoder_lsp.engines.llama import gguf, machine
from starcoder_lsp.errors import ModelError
from starcoder_lsp.models import registry
from starcoder_lsp.paths import data_dir

PROBE_PATIENCE_S = 60
COMFORTABLE_SHARE = 0.7
MARKS = {"ok": "ok  ", "warning": "warn", "problem": "FAIL"}


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` says what to do."""

    level: str
    what: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one object per line")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    findings = list(examine(resolve_for(Path.cwd(), parsed)))
    for finding in findings:
        if parsed.json:
            print(json.dumps(finding.__dict__))
        else:
            print(f"{MARKS[finding.level]}  {finding.what}")
            if finding.remedy:
                print(f"      {finding.remedy}")
    return int(any(finding.level == "problem" for finding in findings))


def examine(resolved: Resolved) -> Iterator[Finding]:
    """Every check, in the order in which things are needed."""
    yield Finding(
        "ok",
        f"starcoder-lsp {__version__}, Python {platform.python_version()} "
        f"at {sys.executable}, {platform.platform()}",
    )
    for problem in resolved.problems:
        yield Finding("warning", problem, "starcoder-lsp config show")
    yield from _llama_cpp(resolved.settings)
    yield from _model(resolved.settings)
    yield from _directories()


def _llama_cpp(settings: Settings) -> Iterator[Finding]:
    command = python_module("starcoder_lsp.engines.llama.probe")
    try:
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=PROBE_PATIENCE_S
        )
        answer = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        yield Finding(
            "problem",
            "llama.cpp cannot be loaded",
            "pip install --force-reinstall --no-cache-dir llama-cpp-python",
        )
        return
    yield Finding("ok", answer["build"])
    if answer["gpu"]:
        yield Finding("ok", "llama.cpp can use a GPU; gpu_layers = -1 uses all of it")
    elif settings.engine.gpu_layers:
        yield Finding(
            "problem",
            "gpu_layers is set, but llama.cpp was built without GPU support",
            "build it again with the flags that the README names for your GPU",
        )
    else:
        yield Finding("ok", "llama.cpp computes on the CPU (built without GPU support)")


def _model(settings: Settings) -> Iterator[Finding]:
    engine = settings.engine
    try:
        path = assemble.model_file(engine)
        header = gguf.read_header(path)
        if engine.model_path is None:
            assemble.store().verify(registry.find(engine.model))
    except ModelError as exc:
        yield Finding("problem", str(exc))
        return
    yield Finding("ok", f"the model {engine.model} is here and whole: {path}")
    yield _memory(path, header, settings)


def _memory(path: Path, header: gguf.Header, settings: Settings) -> Finding:
    n_tokens = settings.engine.max_prompt_tokens + settings.engine.max_tokens
    needed = path.stat().st_size + header.kv_bytes_per_token * n_tokens
    available = machine.available_memory_bytes()
    text = f"the model needs {needed / machine.GIB:.1f} GiB"
    if available is None:
        return Finding("ok", f"{text}; this system does not tell what is free")
    text += f", {available / machine.GIB:.1f} GiB of memory are free"
    if settings.engine.gpu_layers or needed < available * COMFORTABLE_SHARE:
        return Finding("ok", text)
    remedy = "close something, or choose a smaller one: starcoder-lsp models list"
    return Finding("warning" if needed < available else "problem", text, remedy)


def _directories() -> Iterator[Finding]:
    folder = data_dir()
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as exc:
        yield Finding(
            "warning",
            f"models cannot be stored in {folder}: {exc.strerror}",
            "set STARCODER_LSP_DATA to a directory that you can write to",
        )
        return
    yield Finding("ok", f"models are stored in {folder}")
