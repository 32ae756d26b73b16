"""`starcoder-lsp models recommend`: the models that fit this machine, with their speed."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

from starcoder_lsp.cli.flags import flag_layer
from starcoder_lsp.cli.terminal.downloads import say
from starcoder_lsp.engines import Engine, Speed
from starcoder_lsp.engines.llama.machine import gguf, hardware
from starcoder_lsp.errors import EngineFailed, ModelError, StarcoderError
from starcoder_lsp.models import recommend, registry
from starcoder_lsp.models.recommend import Advice, Machine
from starcoder_lsp.models.registry import Model
from starcoder_lsp.models.store import ModelStore
from starcoder_lsp.runtime.child import clean_environment, python_module
from starcoder_lsp.settings import assemble, machine_fit
from starcoder_lsp.settings.options import OPTIONS, Settings
from starcoder_lsp.settings.resolve import Layer, resolve

PROBE_PATIENCE_S = 60
MEASURE_PATIENCE_S = 120
# Longer than a thorough measurement takes (BUDGET_S of machine/speed.py).
SETTLED_S = 5.0
ROW = "{:1} {:5} {:27} {:>8} {:>8} {:>6} {:>7} {:>7}  {}"
LEGEND = (
    "reads: tokens of the prompt that latency_target_ms allows in a file that was just "
    "opened; first: the time of that suggestion; typing: that after a keystroke. They are "
    "estimates from one measured model and the sizes of the weights. ~: the memory is an "
    "estimate, too, because the shape of the model's KV cache is not known."
)


def add_arguments(verbs: Any) -> None:
    """Add the verb; `verbs` is what `add_subparsers` of argparse returns."""
    verb = verbs.add_parser(
        "recommend",
        help="say which models fit this machine, and how fast they would be",
    )
    verb.set_defaults(act=run)


def run(parsed: argparse.Namespace) -> int:
    machine = this_machine(resolve([flag_layer(parsed)]).settings)
    store = assemble.store()
    models = [with_shape(model, store) for model in registry.everything().values()]
    advice = recommend.advise(models, machine, machine_fit.reads_prefix_first())
    best = recommend.best(advice)
    if parsed.json:
        for one in advice:
            here = store.is_present(one.model)
            say({**_as_object(one), "present": here, "recommended": one is best})
        return 0
    _print(machine, advice, best)
    return 0


def with_shape(model: Model, store: ModelStore) -> Model:
    """Return the model with size and shape from its file, if that is on this machine."""
    try:
        path = store.locate(model)
        kv_values = gguf.read_header(path).kv_values_per_token
        size_bytes = gguf.size_bytes(path)
    except (ModelError, OSError):
        return model
    return replace(model, kv_values=kv_values or model.kv_values, size_bytes=size_bytes)


def this_machine(settings: Settings) -> Machine:
    """Return the free memory of this machine, and the speed of a model that is here."""
    host_bytes = hardware.available_memory_bytes() or 0
    device_bytes = sum(device["free_bytes"] for device in _devices())
    for name in (settings.engine.model, OPTIONS["model"].default):
        model = registry.find(name)
        if assemble.store().is_present(model):
            if sys.stderr.isatty():
                print(f"measuring {name}...", file=sys.stderr)
            if speed := asyncio.run(_measured(name)):
                return Machine(
                    host_bytes,
                    device_bytes,
                    int(_size_bytes(model) * model.active_share),
                    speed.prefill_tokens_per_s,
                    speed.decode_tokens_per_s,
                    settings.limits.latency_target_ms,
                )
    return Machine(host_bytes, device_bytes)


def _size_bytes(model: Model) -> int:
    """Return the size of the file that is loaded, which may be a converted one."""
    return assemble.store().locate(model).stat().st_size


def _devices() -> list[dict[str, int]]:
    """Return the GPUs that llama.cpp sees; none if it cannot be asked."""
    try:
        done = subprocess.run(
            python_module("starcoder_lsp.engines.llama.native.probe"),
            capture_output=True,
            check=False,
            timeout=PROBE_PATIENCE_S,
            env=clean_environment(),
        )
        return list(json.loads(done.stdout)["devices"])
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired):
        return []


async def _measured(name: str) -> Speed | None:
    settings = resolve([Layer("recommend", {"model": name})]).settings
    try:
        engine = assemble.build_engine(
            settings.engine, log_level="error", policy=assemble.ONE_CRASH
        )
    except StarcoderError:
        return None
    engine.start()
    try:
        async with asyncio.timeout(MEASURE_PATIENCE_S):
            await engine.ready()
            return await _settled(engine)
    except (EngineFailed, TimeoutError):
        return None
    finally:
        await engine.close()


async def _settled(engine: Engine) -> Speed | None:
    """Return the speed once it stays the same.

    An engine tells a quick guess first, and measures thoroughly while it rests.
    """
    speed = await engine.measured()
    while speed is not None:
        await asyncio.sleep(SETTLED_S)
        if engine.speed == speed:
            return speed
        speed = engine.speed
    return None


def _as_object(one: Advice) -> dict[str, object]:
    return {
        "name": one.model.name,
        "fit": one.fit,
        "needed_bytes": one.need.n_bytes,
        "needed_is_estimate": one.need.is_estimate,
        "on_gpu": one.on_gpu,
        "first_ms": one.first_ms and round(one.first_ms),
        "typing_ms": one.typing_ms and round(one.typing_ms),
        "read_tokens": one.n_read,
        "size_bytes": one.model.approximate_bytes,
        "license": one.model.license,
        "license_link": one.model.terms.link,
        "warnings": list(one.model.warnings),
    }


def _print(machine: Machine, advice: list[Advice], best: Advice | None) -> None:
    gpu = (
        f", {machine.device_bytes / 1e9:.1f} GB of GPUs" if machine.device_bytes else ""
    )
    print(f"free memory: {machine.host_bytes / 1e9:.1f} GB{gpu}")
    if not machine.measured_bytes:
        print(
            "the speed is not known, because no model is here to measure; run: "
            f"starcoder-lsp models get {OPTIONS['model'].default}"
        )
    print(
        ROW.format(
            "", "", "model", "download", "memory", "reads", "first", "typing", "licence"
        )
    )
    for one in advice:
        print(
            ROW.format(
                "*" if one is best else "",
                one.fit,
                one.model.name,
                f"{one.model.approximate_bytes / 1e9:.1f} GB",
                f"{'~' if one.need.is_estimate else ''}{one.need.n_bytes / 1e9:.1f} GB",
                "?" if one.n_read is None else one.n_read,
                _seconds(one.first_ms),
                _seconds(one.typing_ms),
                one.model.license,
            )
        )
    print(LEGEND)
    if best:
        print(f"* recommended: starcoder-lsp models get {best.model.name}")


def _seconds(ms: float | None) -> str:
    return "?" if ms is None else f"{ms / 1000:.1f} s"
