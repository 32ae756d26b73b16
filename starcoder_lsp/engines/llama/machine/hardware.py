"""Reads what this machine has: cores and memory."""

from __future__ import annotations

import os
import platform
import resource
import time
from pathlib import Path

from starcoder_lsp.engines.llama.machine import cgroup

GIB = 1 << 30
SPINS = "1000"
MEMINFO = Path("/proc/meminfo")
CPUINFO = Path("/proc/cpuinfo")
CPU_TOPOLOGY = Path("/sys/devices/system/cpu")


def n_cores() -> int:
    """Return how many physical cores this process may use.

    Hyper-threads are not counted, because they slow llama.cpp down.
    """
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
    # With more threads than the quota allows, all wait for the next period.
    n_allowed = len(cores) if quota is None else min(len(cores), int(quota))
    return max(n_allowed, 1)


def cpu_name() -> str:
    """Return the name of the processor, which measured speeds belong to."""
    try:
        lines = CPUINFO.read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine()).strip()


def limit_spinning() -> None:
    """Make llama.cpp's threads spin only briefly for each other; before it is loaded.

    With OpenMP's default a token takes seconds as soon as another process computes, such
    as the user's compiler; benchmarks/busy_machine.py measures it.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def be_nice(niceness: int) -> None:
    """Let other programs compute first; 0 leaves the priority as it is."""
    if niceness > 0 and hasattr(os, "nice"):
        os.nice(niceness)


def activity() -> tuple[float, ...]:
    """Figures that all stay the same only while this process gets nothing done.

    Its processor time in tenths of a second without that of the calling thread, its
    largest memory so far, the pages that it waited for, and the blocks that it read
    (getrusage(2)).
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = used.ru_utime + used.ru_stime - time.thread_time()
    return round(cpu_s, 1), used.ru_maxrss, used.ru_majflt, used.ru_inblock


def total_memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def available_memory_bytes() -> int | None:
    """Return the memory that is free without swapping; None where it is unknown."""
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
