"""What this machine can carry: cores and memory."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path

from starcoder_lsp.engines.llama.machine import cgroup

Progress = Callable[[float], None]

GIB = 1 << 30
SPINS = "1000"
MEMINFO = Path("/proc/meminfo")
CPUINFO = Path("/proc/cpuinfo")
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
    quota = cgroup.cpu_quota()
    # A thread beyond the quota makes all of them wait for the next period.
    n_allowed = len(cores) if quota is None else min(len(cores), int(quota))
    return max(n_allowed, 1)


def cpu_name() -> str:
    """The processor, to tell a measured speed from another machine's."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine()).strip()


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
    known = [n for n in (_free_bytes(), cgroup.memory_left_bytes()) if n is not None]
    return min(known, default=None)


def _free_bytes() -> int | None:
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:
        return total_memory_bytes()
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return total_memory_bytes()
