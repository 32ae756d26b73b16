"""The ways in which llama.cpp computes attention."""

from __future__ import annotations

from dataclasses import dataclass

# What llama.cpp calls them in its messages: on, off, or its own choice.
FLASH = {True: "on", False: "off", None: "auto"}


@dataclass(frozen=True)
class Kernel:
    """With or without flash attention, and the types of the KV cache.

    `flash` of None leaves flash attention to llama.cpp. Without it, values cannot be
    quantized. A context keeps its kernel: the caches of different kernels cannot be
    copied to each other.
    """

    flash: bool | None
    keys: str
    values: str

    def __str__(self) -> str:
        return f"{FLASH[self.flash]}/{self.keys}/{self.values}"


PLAIN = Kernel(False, "f16", "f16")
FLASHING = Kernel(True, "f16", "f16")
# Half of the memory for keys, and kernels for the dot products of new processors.
COMPACT = Kernel(False, "q8_0", "bf16")
QUANTIZED = Kernel(True, "q8_0", "q8_0")
LIBRARYS_CHOICE = Kernel(None, "f16", "f16")
KERNELS = {
    str(one): one for one in (PLAIN, FLASHING, COMPACT, QUANTIZED, LIBRARYS_CHOICE)
}
