"""Says whether a model fits this machine, for the question before a download.

    python -m starcoder_lsp.settings.machine_fit MODEL LATENCY_TARGET_MS

The program prints the sentence. Editors ask it in a child process, because only native
code knows the memory of GPUs.
"""

from __future__ import annotations

import contextlib
import sys

from starcoder_lsp.completion.prompt import families
from starcoder_lsp.engines.llama.machine import hardware
from starcoder_lsp.models import recommend, registry
from starcoder_lsp.models.recommend import Advice, Machine
from starcoder_lsp.models.registry import Model
from starcoder_lsp.runtime import frames, parent_watch
from starcoder_lsp.runtime.child import output_of, python_module
from starcoder_lsp.runtime.paths import cache_dir

JUDGEMENTS = {
    "fits": "it fits",
    "tight": "that is tight",
    "no": "it does not fit, unless a GPU holds it",
}
# The user waits for the question; without the child's answer it says less.
PATIENCE_S = 5.0


def fit_sentence(model: Model, machine: Machine | None = None) -> str:
    """Return a sentence about a model and a machine; empty where that is unknown.

    Without a machine, it is the free memory of this one that counts.
    """
    if machine is None:
        machine = Machine(hardware.available_memory_bytes() or 0)
    if not machine.host_bytes:
        return ""
    advice = recommend.of(model, machine, reads_prefix_first())
    return " ".join(filter(None, (_memory(advice, machine), _times(advice))))


async def sentence_from_child(model: Model, latency_target_ms: int) -> str:
    """Return the sentence with GPUs and the measured speed, if a child knows them soon."""
    said = b""
    program = "starcoder_lsp.settings.machine_fit"
    with contextlib.suppress(OSError, TimeoutError):
        said = await output_of(
            python_module(program, model.name, str(latency_target_ms)), PATIENCE_S
        )
    return said.decode(errors="replace") or fit_sentence(model)


def reads_prefix_first() -> frozenset[str]:
    """Return the families whose prompts end with the suffix."""
    return frozenset(
        name for name, family in families().items() if family.layout == "psm"
    )


def _memory(advice: Advice, machine: Machine) -> str:
    about = "about " if advice.need.is_estimate else ""
    needed, free = advice.need.n_bytes, machine.host_bytes
    text = (
        f"It takes {about}{needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are free"
    )
    if not machine.device_bytes:
        return f"{text}: {JUDGEMENTS[advice.fit]}."
    judgement = "the GPU holds it" if advice.on_gpu else JUDGEMENTS[advice.fit]
    return f"{text}, and {machine.device_bytes / 1e9:.1f} GB on the GPU: {judgement}."


def _times(advice: Advice) -> str:
    if advice.first_ms is None or advice.typing_ms is None:
        return ""
    return (
        f"By the speed of a model that was measured here, a suggestion takes about "
        f"{advice.first_ms / 1000:.1f} s in a file that was just opened, and "
        f"{advice.typing_ms / 1000:.1f} s while you type."
    )


def machine_from_records(latency_target_ms: int) -> Machine:
    """Return the free memory, and the last speed that an engine has measured here."""
    from starcoder_lsp.engines.llama.native import devices, library
    from starcoder_lsp.engines.llama.process.speeds import Speeds

    library.set_up()
    found = devices.devices() if library.supports_gpu() else []
    host_bytes = hardware.available_memory_bytes() or 0
    machine = Machine(host_bytes, sum(device.free_bytes for device in found))
    known = Speeds(cache_dir() / "engine" / "speeds.json").latest()
    if known is None:
        return machine
    return Machine(
        machine.host_bytes,
        machine.device_bytes,
        known.size_bytes,
        known.speed.prefill_tokens_per_s,
        known.speed.decode_tokens_per_s,
        latency_target_ms,
    )


def main(name: str, latency_target_ms: str) -> None:
    parent_watch.end_with_parent()
    out = frames.claim_stdout()
    machine = machine_from_records(int(latency_target_ms))
    out.write(fit_sentence(registry.find(name), machine).encode())
    out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
