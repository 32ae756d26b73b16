"""How a front reaches an engine's process: one of its own, or a shared one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.runtime.child import Child, python_module
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import Link, RestartPolicy


class Connect(Protocol):
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
    ) -> Link: ...


def own_process(_load: Load, *, log_level: str, **callbacks: Any) -> Link:
    """An engine of our own, which ends with us."""
    argv = python_module("starcoder_lsp.engines.llama.process.host", log_level)
    return Child(argv, **callbacks)
