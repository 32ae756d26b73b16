"""Connects a front to an engine's process of its own; `shared_engine` to a shared one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.runtime.child import Child, python_module
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import RestartPolicy, Supervisor


class Connect(Protocol):
    """Builds the supervisor of a process that loads `load`; it is not started yet."""

    def __call__(
        self,
        load: Load,
        /,
        *,
        log_level: str,
        on_start: Callable[[], None],
        on_frame: Callable[[Frame], None],
        on_exit: Callable[[bool], None],
        policy: RestartPolicy,
    ) -> Supervisor: ...


def own_process(_load: Load, *, log_level: str, **callbacks: Any) -> Supervisor:
    """A child process that ends with this one."""
    argv = python_module("starcoder_lsp.engines.llama.process.host", log_level)
    return Child(argv, **callbacks)
