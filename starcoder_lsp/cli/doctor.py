"""`starcoder-lsp doctor`: checks the installation and says what to do about problems."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from starcoder_lsp import __version__
from starcoder_lsp.cli import server_check
from starcoder_lsp.cli.flags import add_option_flags, resolve_for
from starcoder_lsp.cli.server_check import Finding
from starcoder_lsp.engines import Engine
from starcoder_lsp.engines.llama.machine import gguf
from starcoder_lsp.engines.prompt_fit import n_affordable
from starcoder_lsp.errors import EngineFailed, ModelError
from starcoder_lsp.models import convert, registry
from starcoder_lsp.runtime.child import clean_environment, python_module
from starcoder_lsp.runtime.paths import NOWHERE, cache_dir, data_dir
from starcoder_lsp.runtime.printable import printable
from starcoder_lsp.settings import assemble, chosen
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import Resolved

PROBE_PATIENCE_S = 60
ENGINE_PATIENCE_S = 120
SPEED_PATIENCE_S = 30
# A line of code has about ten tokens.
COMFORTABLE_TOKENS_PER_S = 5
GPU_REMEDY = (
    "build it again with the CMAKE_ARGS for your GPU, see docs/getting-started.md"
)
GIB = 1 << 30
MARKS = {"ok": "ok  ", "warning": "warn", "problem": "FAIL"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per line"
    )
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    findings = list(examine(resolve_for(Path.cwd(), parsed)))
    for finding in findings:
        if parsed.json:
            print(json.dumps(finding.__dict__))
        else:
            print(f"{MARKS[finding.level]}  {printable(finding.what)}")
            if finding.remedy:
                print(f"      {printable(finding.remedy)}")
    return int(any(finding.level == "problem" for finding in findings))


def examine(resolved: Resolved) -> Iterator[Finding]:
    """Run every check, in the order in which the program needs things."""
    yield Finding(
        "ok",
        f"starcoder-lsp {__version__}, Python {platform.python_version()} "
        f"at {sys.executable}, {platform.platform()}",
    )
    for problem in resolved.problems:
        yield Finding("warning", problem, "starcoder-lsp config show")
    if resolved.settings.engine.is_remote:
        yield from asyncio.run(_server(resolved.settings))
    else:
        yield from _llama_cpp(resolved.settings)
        yield from _model(resolved.settings)
    yield from _directories()


async def _server(settings: Settings) -> list[Finding]:
    return [finding async for finding in server_check.examine(settings)]


def _llama_cpp(settings: Settings) -> Iterator[Finding]:
    command = python_module("starcoder_lsp.engines.llama.native.probe")
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            timeout=PROBE_PATIENCE_S,
            env=clean_environment(),
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
    for device in answer["devices"]:
        free, total = (device[f"{name}_bytes"] / GIB for name in ("free", "total"))
        text = f"{device['name']}: {free:.1f} of {total:.1f} GiB free"
        yield Finding("ok", f"llama.cpp can use a GPU, {text}")
    if answer["gpu"]:
        return
    what = "this build of llama.cpp computes on the CPU only"
    if settings.engine.gpu_layers:
        yield Finding("problem", f"gpu_layers is set, but {what}", GPU_REMEDY)
    else:
        yield Finding("ok", what)


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
    yield Finding(
        "ok",
        f"the model {chosen.model_name(engine)} is on this machine and undamaged: {path}",
    )
    if slow := convert.slow_format(header.entries.get("general.file_type")):
        text = (
            f"the model's weights are {slow}, which llama.cpp computes slowly on a CPU"
        )
        remedy = "starcoder-lsp models convert NAME --to q8_0 makes a faster file"
        yield Finding("warning", text, remedy.replace("NAME", engine.model))
    yield from asyncio.run(_engine(settings))


async def _engine(settings: Settings) -> list[Finding]:
    """Start the engine and report how the model was loaded, and its speed."""
    engine = assemble.build_engine(
        settings.engine, log_level=settings.log.level, policy=assemble.ONE_CRASH
    )
    engine.start()
    try:
        async with asyncio.timeout(ENGINE_PATIENCE_S):
            report = await engine.ready()
        notes = [Finding("warning", note) for note in report.notes]
        return [
            Finding("ok", f"the model loads: {report.summary}"),
            *notes,
            await _speed(engine, settings),
        ]
    except EngineFailed as exc:
        return [Finding("problem", str(exc))]
    except TimeoutError:
        text = f"the model was not loaded after {ENGINE_PATIENCE_S} s"
        return [Finding("problem", text, "choose a smaller model")]
    finally:
        await engine.close()


async def _speed(engine: Engine, settings: Settings) -> Finding:
    """Report the speed of the engine and how long a prompt it allows."""
    try:
        async with asyncio.timeout(SPEED_PATIENCE_S):
            speed = await engine.measured()
    except TimeoutError:
        text = f"the speed was not measured after {SPEED_PATIENCE_S} s"
        return Finding("warning", text, "try again while the machine is idle")
    if speed is None:
        return Finding("ok", "the speed of this kind of engine is not measured")
    target_ms = settings.limits.latency_target_ms
    affordable = n_affordable(settings.limits, speed)
    assert affordable is not None  # the target is set
    n_tokens = min(int(affordable(0)), settings.engine.max_prompt_tokens)
    text = (
        f"the engine reads {speed.prefill_tokens_per_s:.0f} tokens/s and writes "
        f"{speed.decode_tokens_per_s:.0f}; latency_target_ms = {target_ms} lets it read "
        f"{n_tokens} new tokens for a suggestion"
    )
    if speed.decode_tokens_per_s >= COMFORTABLE_TOKENS_PER_S:
        return Finding("ok", text)
    remedy = "a smaller model answers sooner: starcoder-lsp models list"
    return Finding("warning", text, remedy)


def _directories() -> Iterator[Finding]:
    for what, folder, variable, instead in (
        ("models", data_dir(), "STARCODER_LSP_DATA", "none can be downloaded"),
        ("indexes", cache_dir(), "STARCODER_LSP_CACHE", "they are kept in memory"),
    ):
        if reason := _why_not_writable(folder):
            text = f"{what} cannot be stored in {folder}: {reason}; {instead}"
            remedy = f"set {variable} to a directory that you can write to"
            yield Finding("warning", text, remedy)
        else:
            yield Finding("ok", f"{what} are stored in {folder}")


def _why_not_writable(folder: Path) -> str:
    """Return the reason why nothing can be stored in a folder; empty if it can."""
    if folder.is_relative_to(NOWHERE):
        return "this user has no home directory"
    try:
        existing = next(one for one in (folder, *folder.parents) if one.exists())
        with tempfile.TemporaryFile(dir=existing):
            return ""
    except OSError as exc:
        return exc.strerror or str(exc)
