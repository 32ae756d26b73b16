"""A network disk that does not answer is left alone, and asked by a child process."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from starcoder_lsp.lsp import settings
from starcoder_lsp.lsp.documents import uris
from starcoder_lsp.lsp.settings import FolderSettings
from starcoder_lsp.runtime import network_disks
from starcoder_lsp.runtime.network_disks import NetworkDisks, ask_in_child
from starcoder_lsp.settings.resolve import Layer

MOUNTS = """\
22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw
36 22 0:45 / {share} rw shared:2 master:1 - nfs4 server:/a rw
37 36 0:46 / {share}/local rw - tmpfs none rw
"""
ON_DISK, ELSEWHERE = Path("/share/project/a.py"), Path("/home/me/a.py")


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Disk:
    """Answers while `is_alive` is set."""

    def __init__(self) -> None:
        self.is_alive = asyncio.Event()
        self.is_alive.set()
        self.n_asked = 0

    async def __call__(self, mount: str) -> None:
        self.n_asked += 1
        await self.is_alive.wait()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_disk_is_left_alone_from_its_silence_to_its_next_answer() -> None:
    time, disk = Time(), Disk()
    disks = NetworkDisks(lambda: MOUNTS.format(share="/share"), disk, time)
    assert disks.are_reachable([ON_DISK])
    await settled()
    disk.is_alive.clear()
    time.now += network_disks.ASK_EVERY_S
    assert disks.are_reachable([ON_DISK])  # it is being asked
    time.now += network_disks.PATIENCE_S
    for _ in range(3):
        assert not disks.are_reachable([ELSEWHERE, ON_DISK])
        assert disks.are_reachable([ELSEWHERE])
        time.now += 10
        await settled()
    assert disk.n_asked == 2
    disk.is_alive.set()
    await settled()
    assert disks.are_reachable([ON_DISK])


async def test_a_disk_is_asked_once_a_second_while_it_is_in_use() -> None:
    time, disk = Time(), Disk()
    disks = NetworkDisks(lambda: MOUNTS.format(share="/share"), disk, time)
    for _ in range(30):
        disks.are_reachable([ON_DISK, ON_DISK.parent])
        await settled()
        time.now += 0.1
    assert disk.n_asked in (3, 4)


async def test_only_network_disks_are_asked() -> None:
    disk = Disk()
    disks = NetworkDisks(lambda: MOUNTS.format(share="/share"), disk)
    for path in ("/home/me/a.py", "/shared/a.py", "relative"):
        assert disks.are_reachable([Path(path)])
    await settled()
    assert disk.n_asked == 0


def test_outside_an_event_loop_all_disks_count_as_reachable() -> None:
    disks = NetworkDisks(lambda: MOUNTS.format(share="/share"))
    assert disks.are_reachable([ON_DISK])


@pytest.mark.parametrize("mountinfo", ["", "x", "1 2 - nfs", "\0 - nfs4 \xff", "- - -"])
async def test_a_table_of_mounts_that_cannot_be_read_has_no_network_disks(
    mountinfo: str,
) -> None:
    assert NetworkDisks(lambda: mountinfo).are_reachable([ON_DISK])


async def test_a_child_process_asks_the_disk(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        await asyncio.wait_for(ask_in_child(str(path)), 60)


async def test_settings_and_links_stay_as_they_were_while_the_disk_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = tmp_path / "share"
    (share / "real").mkdir(parents=True)
    (share / "link").symlink_to("real")
    config = share / "real" / ".starcoder.toml"
    config.write_text("max_tokens = 7\n")
    time, disk = Time(), Disk()
    disks = NetworkDisks(lambda: MOUNTS.format(share=share), disk, time)
    for module in (settings, uris):
        monkeypatch.setattr(module, "DISKS", disks)
    folders = FolderSettings(Layer("flags", {}), lambda problem: None, time)
    folders.use_folders((share / "real",))
    known, other = ((share / f"link/{name}.py").as_uri() for name in "ab")
    assert folders.of_document(known).engine.max_tokens == 7
    await settled()
    disk.is_alive.clear()
    time.now += 10
    folders.of_document(known)
    time.now += 10
    config.write_text("max_tokens = 8\n")
    monkeypatch.setattr(os.path, "realpath", forbidden)
    assert folders.of_document(known).engine.max_tokens == 7
    assert uris.path_of(known) == share / "real" / "a.py"
    assert uris.path_of(other) == share / "link" / "b.py"
    assert not folders.of_document(other).trigger.enabled
    monkeypatch.undo()
    monkeypatch.setattr(settings, "DISKS", NetworkDisks(lambda: ""))
    assert folders.of_document(known).engine.max_tokens == 8


def forbidden(path: object) -> str:
    raise AssertionError(f"{path} was touched")
