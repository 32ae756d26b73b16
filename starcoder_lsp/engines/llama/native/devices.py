"""Lists the GPUs that llama.cpp can use; only for the engine's process."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llama_cpp import _ggml

# ggml_backend_dev_type in ggml-backend.h: a GPU with its own memory, and one that shares
# the host's.
KINDS = (1, 2)


@dataclass(frozen=True)
class Device:
    name: str
    free_bytes: int
    total_bytes: int


def devices() -> list[Device]:
    """Return every GPU; none for a build that computes on the CPU only."""
    return list(_devices())


def _devices() -> Iterator[Device]:
    size = ctypes.POINTER(ctypes.c_size_t)
    count = _function("count", ctypes.c_size_t)
    get = _function("get", ctypes.c_void_p, ctypes.c_size_t)
    kind = _function("type", ctypes.c_int, ctypes.c_void_p)
    describe = _function("description", ctypes.c_char_p, ctypes.c_void_p)
    measure = _function("memory", None, ctypes.c_void_p, size, size)
    for i in range(count()):
        device = get(i)
        if kind(device) in KINDS:
            free, total = ctypes.c_size_t(), ctypes.c_size_t()
            measure(device, ctypes.byref(free), ctypes.byref(total))
            name = describe(device).decode(errors="replace")
            yield Device(name, free.value, total.value)


def _function(name: str, answer: Any, *arguments: Any) -> Any:
    """Return a function of ggml that llama-cpp-python does not bind."""
    found = getattr(_ggml.libggml, f"ggml_backend_dev_{name}")
    found.restype, found.argtypes = answer, arguments
    return found
