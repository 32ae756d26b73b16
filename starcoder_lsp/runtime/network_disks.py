"""Tells whether network disks answer, without waiting for them.

A system call on a disk whose server is gone does not return, and the process that made
it cannot even be killed. So the front asks a disk in a child process from time to time,
and does not touch one that owes an answer. In between it relies on the kernel, which
keeps the attributes of files for some seconds (`acregmin` in nfs(5)).
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

# Kinds of file systems as Linux names them, and the beginning of those in user space.
NETWORK_KINDS = frozenset((
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "ocfs2", "pvfs2", "smb3", "smbfs", "virtiofs",
))  # fmt: skip
USER_SPACE = "fuse."
MOUNTS = Path("/proc/self/mountinfo")
MOUNTS_FRESH_S = 30.0
# How often a disk in use is asked, and how long it may take to answer.
ASK_EVERY_S, PATIENCE_S = 1.0, 0.5
ASK = "import os, sys; os.stat(sys.argv[1])"


async def ask_in_child(mount: str) -> None:
    """Return when the disk has answered, whatever it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", ASK, mount,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await process.wait()
    finally:
        # It may hang in the kernel; then it ends with the disk's next answer.
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def network_mounts(mountinfo: str) -> tuple[str, ...]:
    r"""Return the directories of network disks, the deepest first.

    `mountinfo` is in the format of proc_pid_mountinfo(5).

    >>> network_mounts("36 35 0:9 / /mnt/a\\040b rw - nfs4 server:/a rw")
    ('/mnt/a b',)
    """
    mounts = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind = after.partition(" ")[0]
        if kind in NETWORK_KINDS or kind.startswith(USER_SPACE):
            escaped = before.split(" ")[4]
            mounts.append(escaped.encode().decode("unicode_escape"))
    return tuple(sorted(mounts, key=len, reverse=True))


@dataclass
class _Question:
    """The last question to a disk; `answered_s` is None while it is open."""

    asked_s: float
    task: asyncio.Task[None]
    answered_s: float | None = None


class NetworkDisks:
    """Asks the network disks that are in use; `read_mounts` and `ask` are for tests."""

    def __init__(
        self,
        read_mounts: Callable[[], str] = MOUNTS.read_text,
        ask: Callable[[str], Awaitable[None]] = ask_in_child,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_mounts, self._ask, self._clock = read_mounts, ask, clock
        self._mounts: tuple[str, ...] = ()
        self._read_s = -MOUNTS_FRESH_S
        self._questions: dict[str, _Question] = {}

    def are_reachable(self, paths: Iterable[Path]) -> bool:
        """Return whether no path is on a network disk that owes an answer.

        A disk counts as reachable until it has been asked. Outside an event loop, all do.
        """
        mounts = {self._mount_of(str(path)) for path in paths} - {None}
        return all([self._answers(mount) for mount in mounts if mount])

    def _mount_of(self, path: str) -> str | None:
        if self._clock() - self._read_s >= MOUNTS_FRESH_S:
            self._read_s = self._clock()
            with contextlib.suppress(OSError, ValueError, IndexError):
                self._mounts = network_mounts(self._read_mounts())
        return next((one for one in self._mounts if _is_below(path, one)), None)

    def _answers(self, mount: str) -> bool:
        now = self._clock()
        last = self._questions.get(mount)
        if last is not None and last.answered_s is None:
            return now - last.asked_s < PATIENCE_S
        if last is None or now - (last.answered_s or 0.0) >= ASK_EVERY_S:
            with contextlib.suppress(RuntimeError):  # there is no event loop
                self._begin(mount, asyncio.get_running_loop(), now)
        return True

    def _begin(self, mount: str, loop: asyncio.AbstractEventLoop, now: float) -> None:
        question = _Question(now, loop.create_task(self._asking(mount)))
        question.task.add_done_callback(lambda _: self._heard(question))
        self._questions[mount] = question

    async def _asking(self, mount: str) -> None:
        with contextlib.suppress(OSError):
            await self._ask(mount)

    def _heard(self, question: _Question) -> None:
        question.answered_s = self._clock()


def _is_below(path: str, mount: str) -> bool:
    return path == mount or path.startswith(mount.rstrip("/") + "/")


# The disks of this process.
DISKS = NetworkDisks()
