"""What this machine can carry."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from starcoder_lsp.engines.llama.machine import cgroup, hardware


def free(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kilobytes: int) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal: 99999999 kB\nMemAvailable: {kilobytes} kB\n")
    monkeypatch.setattr(hardware, "MEMINFO", meminfo)


def groups(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: str, **files: str
) -> None:
    """A tree of control groups; `__` in a name is a slash."""
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        path = tmp_path / "groups" / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(cgroup, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(cgroup, "MOUNT", tmp_path / "groups")


def test_the_limits_of_all_groups_around_us_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    groups(
        monkeypatch, tmp_path, "0::/user/app\n",
        user__app__memory_DOT_max="max\n", user__app__memory_DOT_current="7\n",
        user__memory_DOT_max="5000\n", user__memory_DOT_current="3000\n",
        user__memory_DOT_stat="anon 1\ninactive_file 500\n",
        user__app__cpu_DOT_max="max 100000\n", user__cpu_DOT_max="150000 100000\n",
    )  # fmt: skip
    assert cgroup.memory_left_bytes() == 2500
    assert cgroup.cpu_quota() == 1.5
    free(monkeypatch, tmp_path, 4000)
    assert hardware.available_memory_bytes() == 2500
    assert hardware.n_cores() == 1


def test_the_first_version_of_control_groups_is_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    groups(
        monkeypatch, tmp_path, "4:memory:/of/the/host\n1:cpu,cpuacct:/\n0::/\n",
        memory__memory_DOT_limit_in_bytes="9000\n",
        memory__memory_DOT_usage_in_bytes="8000\n",
        memory__memory_DOT_stat="total_inactive_file 100\n",
        **{"cpu,cpuacct__cpu_DOT_cfs_quota_us": "200000\n",
           "cpu,cpuacct__cpu_DOT_cfs_period_us": "100000\n"},
    )  # fmt: skip
    assert cgroup.memory_left_bytes() == 1100
    assert cgroup.cpu_quota() == 2


def test_groups_without_limits_limit_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    groups(
        monkeypatch, tmp_path, "4:memory:/\n1:cpu:/\nnonsense\n",
        memory__memory_DOT_limit_in_bytes="9223372036854771712\n",
        memory__memory_DOT_usage_in_bytes="8000\n", cpu__cpu_DOT_cfs_quota_us="-1\n",
    )  # fmt: skip
    assert cgroup.memory_left_bytes() is None
    assert cgroup.cpu_quota() is None


def test_where_there_are_no_groups_nothing_is_limited(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cgroup, "OWN_GROUPS", tmp_path / "none")
    assert cgroup.memory_left_bytes() is None
    assert cgroup.cpu_quota() is None


def test_where_the_system_tells_nothing_the_whole_memory_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hardware, "MEMINFO", tmp_path / "none")
    monkeypatch.setattr(cgroup, "OWN_GROUPS", tmp_path / "none")
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert hardware.available_memory_bytes() == whole


def test_there_is_a_core_to_compute_on() -> None:
    assert 1 <= hardware.n_cores() <= (os.cpu_count() or 1)


def test_the_users_own_openmp_settings_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    hardware.limit_spinning()
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    hardware.limit_spinning()
    assert os.environ["GOMP_SPINCOUNT"] == hardware.SPINS
