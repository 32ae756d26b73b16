"""Bounds a child process, and cuts it off from the network and from the user's files.

Where Linux allows it, the process gets namespaces of its own: there is no network, and
every file system is read-only except one folder. This protects against accidents, not
against an attacker.
"""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

TIME_LIMIT_S = 10
MEMORY_BYTES = 1 << 30
FILE_BYTES = 64 << 20

# From linux/sched.h, linux/mount.h and linux/fcntl.h.
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MOUNT_ATTR_RDONLY = 1
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
SYS_MOUNT_SETATTR = 442  # the same number on all architectures


class _MountAttributes(ctypes.Structure):
    """`struct mount_attr` of mount_setattr(2)."""

    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


@cache
def is_possible() -> bool:
    """Return whether this system gives a process namespaces of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-I", "-c", ""]
        try:
            done = subprocess.run(
                command, preexec_fn=lambda: _cut_off(folder), check=False
            )
        except (OSError, subprocess.SubprocessError):
            return False
    return done.returncode == 0


def before_start(
    folder: str, memory_bytes: int | None = MEMORY_BYTES
) -> Callable[[], None]:
    """Return what a new process does before it starts a program in `folder`.

    Without `memory_bytes` its address space is not bounded.
    """
    is_cut_off = is_possible()

    def prepare() -> None:
        if is_cut_off:
            _cut_off(folder)
        _bound(memory_bytes)

    return prepare


def _bound(memory_bytes: int | None) -> None:
    limits = {
        resource.RLIMIT_CPU: TIME_LIMIT_S,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    if memory_bytes is not None:
        limits[resource.RLIMIT_AS] = memory_bytes
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))


def _cut_off(folder: str) -> None:
    """Leave the network, and make all files but those of `folder` read-only.

    The ids of the user are kept, so that programs in the user's folders can be run.
    """
    library = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    _check(library.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS))
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    place = os.fsencode(folder)
    _check(library.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    _check(library.mount(place, place, None, MS_BIND, None))
    _set_attributes(library, b"/", AT_RECURSIVE, _MountAttributes(MOUNT_ATTR_RDONLY))
    _set_attributes(library, place, 0, _MountAttributes(0, MOUNT_ATTR_RDONLY))
    # The working directory of before is on the file system that is read-only now.
    os.chdir(folder)


def _set_attributes(
    library: ctypes.CDLL, path: bytes, flags: int, attributes: _MountAttributes
) -> None:
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    arguments = (ctypes.c_int(AT_FDCWD), path, flags, ctypes.byref(attributes), size)
    _check(library.syscall(SYS_MOUNT_SETATTR, *arguments))


def _write(file: str, text: str) -> None:
    Path(file).write_text(text, encoding="ascii")


def _check(status: int) -> None:
    if status != 0:
        raise OSError(ctypes.get_errno(), "no namespaces here")
