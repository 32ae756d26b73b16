"""Tells whether this machine runs on its battery."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# Linux, Documentation/ABI/testing/sysfs-class-power.
SUPPLIES = Path("/sys/class/power_supply")
FRESH_S = 30.0


def is_on_battery(supplies: Path = SUPPLIES) -> bool:
    """Return whether a battery is discharging and no mains supply is online.

    False where the system does not tell: on a desktop, in a container, on macOS.
    """
    try:
        folders = list(supplies.iterdir())
    except OSError:
        return False
    kinds = {folder: _read(folder / "type") for folder in folders}
    mains = [folder for folder, kind in kinds.items() if kind == "Mains"]
    if any(_read(folder / "online") == "1" for folder in mains):
        return False
    batteries = [
        folder
        for folder, kind in kinds.items()
        # Peripherals such as mice have batteries too, with the scope "Device".
        if kind == "Battery" and _read(folder / "scope") != "Device"
    ]
    return any(_read(folder / "status") == "Discharging" for folder in batteries)


class Power:
    """Caches the state of the battery for `FRESH_S` seconds."""

    def __init__(
        self,
        ask: Callable[[], bool] = is_on_battery,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._asked_at = -FRESH_S
        self._answer = False

    @property
    def is_on_battery(self) -> bool:
        now = self._clock()
        if now - self._asked_at >= FRESH_S:
            self._asked_at, self._answer = now, self._ask()
        return self._answer


def _read(file: Path) -> str:
    try:
        return file.read_text("ascii", errors="replace").strip()
    except OSError:
        return ""
