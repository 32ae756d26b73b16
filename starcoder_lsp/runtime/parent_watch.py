"""Ends a child process once its parent has ended, whatever the child is doing.

The child's event loop has no part in this, since it may be blocked.
On Linux the kernel does it (`PR_SET_PDEATHSIG` in prctl(2)), so that a stopped process
or one inside native code ends too. Elsewhere, and where a child may take its time, a
thread asks once a second who the parent is.

What to know about `PR_SET_PDEATHSIG`:

- It is sent when the *thread* ends that started the child, so children are started by
  the main thread.
- It is lost in fork and in the exec of a set-user-id program, so the child itself asks
  for it, and after each exec.
- A parent that ended before the child asked is not reported, so the child compares its
  parent with the one it was told of.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Mapping

# Tells a child the process that started it.
PARENT = "STARCODER_LSP_PARENT"
POLL_S = 1.0
# How long a child may take to save its work. With the poll and what a busy machine adds,
# it ends within 5 s of its parent.
SAVE_S = 3.0
# Native code that computes this long without letting a Python thread run is stuck.
STUCK_S = 4.0
PR_SET_PDEATHSIG = 1


def naming_parent(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child that should end with this process."""
    return {**environment, PARENT: str(os.getpid())}


def end_with_parent() -> None:
    """End at once when the parent ends; a process without a named parent lives on."""
    if (parent := _named_parent()) is None:
        return
    is_watched = _ask_kernel_for(signal.SIGKILL)
    _end_if_orphaned(parent)
    if not is_watched:
        threading.Thread(target=_watch, args=(parent, 0.0), daemon=True).start()


def end_soon_after_parent(*, has_compute_limit: bool = False) -> None:
    """Give this process `SAVE_S` to end by itself after its parent, then kill it.

    With `has_compute_limit` the kernel also ends it when native code computes for
    `STUCK_S` and keeps the watching thread from running. Not for processes that compute
    with several threads: the time of all threads counts.
    """
    if (parent := _named_parent()) is None:
        return
    # A stopped process goes on then, and sees the end of its input.
    _ask_kernel_for(signal.SIGCONT)
    _end_if_orphaned(parent)
    stuck_s = STUCK_S if has_compute_limit else 0.0
    if stuck_s:
        # An ignored signal would stay ignored: the parent's choice is inherited.
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
    threading.Thread(target=_watch, args=(parent, SAVE_S, stuck_s), daemon=True).start()


def _named_parent() -> int | None:
    """The parent's process id; removed, so that no grandchild takes it for its own."""
    named = os.environ.pop(PARENT, "")
    return int(named) if named.isdecimal() else None


def _ask_kernel_for(on_parents_end: signal.Signals) -> bool:
    if sys.platform != "linux":
        return False
    try:
        import ctypes

        wanted = ctypes.c_ulong(on_parents_end)
        return bool(ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, wanted) == 0)
    except (ImportError, OSError, AttributeError):  # a Python or C library without it
        return False


def _end_if_orphaned(parent: int) -> None:
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int, save_s: float, stuck_s: float = 0.0) -> None:
    while os.getppid() == parent:
        if stuck_s:
            signal.setitimer(signal.ITIMER_PROF, stuck_s)
        time.sleep(POLL_S)
    time.sleep(save_s)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run another module that ends with this process's parent, such as pip."""
    end_with_parent()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
