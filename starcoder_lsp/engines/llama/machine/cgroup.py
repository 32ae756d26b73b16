"""Reads the limits of a container or a systemd slice, which /proc/meminfo ignores.

Both versions of control groups are read; the limit of a group applies to all groups
inside it. Files and formats: https://docs.kernel.org/admin-guide/cgroup-v2.html and
https://docs.kernel.org/admin-guide/cgroup-v1/
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

OWN_GROUPS = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")
# Version 1 writes a number near 2^63 for "no limit".
NO_LIMIT = 1 << 60


def memory_left_bytes() -> int | None:
    """Return the memory that the tightest group leaves; None without a limit.

    Cached pages of files, such as a mapped model, can be evicted and count as free.
    """
    left = [*_second_version_memory(), *_first_version_memory()]
    return max(0, min(left)) if left else None


def cpu_quota() -> float | None:
    """Return how many CPUs' time this process may use; None without a limit."""
    quotas = [*_second_version_cpus(), *_first_version_cpus()]
    return min(quotas, default=None)


def _second_version_memory() -> Iterator[int]:
    for group in _groups(""):
        limit = _number(group / "memory.max")
        used = _number(group / "memory.current")
        if limit is not None and used is not None:
            yield limit - used + _entry(group / "memory.stat", "inactive_file")


def _first_version_memory() -> Iterator[int]:
    for group in _groups("memory"):
        limit = _number(group / "memory.limit_in_bytes")
        used = _number(group / "memory.usage_in_bytes")
        if limit is not None and used is not None and limit < NO_LIMIT:
            yield limit - used + _entry(group / "memory.stat", "total_inactive_file")


def _second_version_cpus() -> Iterator[float]:
    for group in _groups(""):
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit() and int(period):
            yield int(quota) / int(period)


def _first_version_cpus() -> Iterator[float]:
    for group in _groups("cpu"):
        quota = _number(group / "cpu.cfs_quota_us")
        period = _number(group / "cpu.cfs_period_us")
        if quota is not None and period:
            yield quota / period


def _groups(controller: str) -> Iterator[Path]:
    """Yield the folders of our group and its parents; `""` means version 2."""
    for line in _text(OWN_GROUPS).splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controller not in controllers.split(","):
            continue
        mount = MOUNT / controllers if controller else MOUNT
        inside = PurePosixPath(path.lstrip("/"))
        # In a container the path may be the host's, which is not mounted here.
        yield from (mount / group for group in (inside, *inside.parents))


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    """Return the number in a file; None for "max", for -1 and without such a file."""
    text = _text(path)
    return int(text) if text.isdigit() else None


def _entry(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdigit():
            return int(value)
    return 0
