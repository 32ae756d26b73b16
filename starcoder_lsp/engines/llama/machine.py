"""What this machine can carry: cores and memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from starcoder_lsp.errors import ModelBroken

Progress = Callable[[float], None]

GIB = 1 << 30
SPINS = "1000"
MEMINFO = Path("/proc/meminfo")
CPU_TOPOLOGY = Path("/sys/devices/system/cpu")


def n_cores() -> int:
    """Physical cores we may run on; hyper-threads only slow llama.cpp down."""
    allowed = (
        os.sched_getaffinity(0)
        if hasattr(os, "sched_getaffinity")
        else set(range(os.cpu_count() or 1))
    )
    cores = set()
    for cpu in allowed:
        siblings = CPU_TOPOLOGY / f"cpu{cpu}/topology/thread_siblings_list"
        try:
            cores.add(siblings.read_text())
        except OSError:
            cores.add(str(cpu))
    return max(len(cores), 1)


def wait_politely() -> None:
    """Let llama.cpp's threads spin only shortly for each other; before it is loaded.

    OpenMP's default costs seconds per token as soon as something else computes, such
    as the user's compiler; benchmarks/busy_machine.py has the figures.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def total_memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def available_memory_bytes() -> int | None:
    """What can be had without swapping; None where the system does not tell."""
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return total_memory_bytes()
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return total_memory_bytes()


def n_slots_that_fit(n_wanted: int, context_bytes: int) -> int:
    """How many contexts to keep: they may take half of what is free, one in any case."""
    available = available_memory_bytes()
    if available is None or not context_bytes:
        return n_wanted
    return max(1, min(n_wanted, available // 2 // context_bytes))


def check_memory(model: Path, context_bytes: int, n_gpu_layers: int) -> None:
    """Refuse a model that cannot fit; it would only make the machine swap.

    `context_bytes` is what the KV cache of one context takes.
    """
    available = available_memory_bytes()
    if available is None or n_gpu_layers != 0:
        return
    size = model.stat().st_size + context_bytes
    if size > available:
        raise ModelBroken(
            f"{model.name} needs {size / GIB:.1f} GiB of memory and "
            f"{available / GIB:.1f} GiB are free: close something, choose a smaller "
            "model, or set gpu_layers"
        )
