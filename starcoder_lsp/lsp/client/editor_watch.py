"""Notices that the editor has ended, also where another process holds our stdin open."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

POLL_S = 3.0


async def until_gone(parent: int, editor: Awaitable[int | None]) -> None:
    """Return once `parent` is no longer our parent, or once `editor` has ended.

    `editor` is what `visible` says of the process id that the client names in
    `initialize`: without one there, the client may run in another container.
    """
    waits = [
        asyncio.ensure_future(_until_orphaned(parent)),
        asyncio.ensure_future(_until_editor_ended(editor)),
    ]
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        done.pop().result()
    finally:
        for wait in waits:
            wait.cancel()


async def _until_orphaned(parent: int) -> None:
    def is_parent() -> bool:
        return os.getppid() == parent

    if is_parent():
        await _until_ended(parent, is_parent)


async def _until_editor_ended(editor: Awaitable[int | None]) -> None:
    pid = await editor
    if pid is None:
        await asyncio.get_running_loop().create_future()
    else:
        await _until_ended(pid, lambda: _exists(pid))


async def _until_ended(pid: int, is_running: Callable[[], bool]) -> None:
    """Return once a process has ended, on Linux also while it is a zombie.

    Without a descriptor of the process (Linux before 5.3, macOS) ask every `POLL_S`.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):
        while is_running():  # noqa: ASYNC110  # nothing else would tell us
            await asyncio.sleep(POLL_S)
        return
    has_ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, has_ended.set)
    try:
        await has_ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def visible(pid: int | None) -> int | None:
    """Return the id of a client's process if it exists here; 0 and less mean groups.

    Ask before the client gets an answer: it may end as soon as it has one.
    """
    return pid if pid is not None and pid > 0 and _exists(pid) else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
