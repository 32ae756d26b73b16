"""Speeds measured earlier, in one small file."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.machine import hardware, kernels
from starcoder_lsp.engines.llama.machine.capacity import Plan
from starcoder_lsp.engines.llama.machine.kernels import Mix
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.engines.llama.native.kernel import KERNELS, Kernel
from starcoder_lsp.engines.llama.process import fingerprint
from starcoder_lsp.runtime import private_files

logger = logging.getLogger(__name__)

MAX_ENTRIES = 32
MAX_FILE_BYTES = 100_000


@dataclass(frozen=True)
class KnownSpeed:
    """Holds the measurements of a model on this machine.

    Not `is_sure` when other processes computed meanwhile. `kernels` are the speeds of
    ways to compute attention, and `mix` is what the user's requests have been like.
    `size_bytes` is the size of its weights; 0 if not all of them compute for each token,
    or if it was not kept.
    """

    speed: Speed
    is_sure: bool
    kernels: Mapping[Kernel, Speed] = field(default_factory=dict)
    mix: Mix = field(default_factory=Mix)
    size_bytes: int = 0

    def kernel(self, usual: Kernel) -> Kernel:
        """Return the kernel that is fastest for the user's requests."""
        if not self.kernels:
            return usual
        return kernels.fastest(self.kernels, self.mix, usual)[0]


class Speeds:
    """One entry for each model and machine; a damaged file is replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> KnownSpeed | None:
        row = self._rows().get(key)
        return None if row is None else _known(row)

    def latest(self) -> KnownSpeed | None:
        """Return the newest sure entry with a size."""
        known = [one for row in self._rows().values() if (one := _known(row))]
        sure = [one for one in known if one.is_sure and one.size_bytes > 0]
        return next(reversed(sure), None)

    def keep(self, key: str, known: KnownSpeed) -> None:
        """Save an entry, and the newest `MAX_ENTRIES` of the others."""
        rows = {name: row for name, row in self._rows().items() if name != key}
        rows[key] = _row(known)
        newest = dict(list(rows.items())[-MAX_ENTRIES:])
        try:
            private_files.folder(self._path.parent)
            private_files.write(self._path, json.dumps(newest, indent=1).encode())
        except OSError as exc:
            logger.info("the measured speed is not kept: %s", exc)

    def _rows(self) -> dict[str, Any]:
        try:
            rows = json.loads(private_files.read(self._path, MAX_FILE_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(rows, dict):
            return {}
        return {name: row for name, row in rows.items() if _known(row) is not None}


def key_of(load: Load, plan: Plan, build: str) -> str:
    """Return the name of the entry: everything that a speed depends on."""
    return fingerprint.cache_key(
        fingerprint.of_model(Path(load.path)),
        build,
        hardware.cpu_name(),
        load.n_threads or hardware.n_cores(),
        plan.n_gpu_layers,
        plan.kv_type,
    )


def _row(known: KnownSpeed) -> dict[str, object]:
    return {
        "speed": _numbers(known.speed),
        "is_sure": known.is_sure,
        "kernels": {str(one): _numbers(speed) for one, speed in known.kernels.items()},
        "mix": astuple(known.mix),
        "size_bytes": known.size_bytes,
    }


def _known(row: Any) -> KnownSpeed | None:
    try:
        measured = row["kernels"].items()
        return KnownSpeed(
            _speed(row["speed"]),
            bool(row["is_sure"]),
            {KERNELS[name]: _speed(numbers) for name, numbers in measured},
            Mix(*map(_sound, row["mix"])),
            int(row.get("size_bytes", 0)),
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _numbers(speed: Speed) -> list[float]:
    """Return what is known of an engine on this machine, which needs no network."""
    return [
        speed.prefill_tokens_per_s,
        speed.decode_tokens_per_s,
        speed.decode_s_per_depth,
    ]


def _speed(numbers: Any) -> Speed:
    prefill, decode, slope = map(_sound, numbers)
    if not prefill or not decode:
        raise ValueError("a speed of nothing")
    return Speed(prefill, decode, slope)


def _sound(value: object) -> float:
    if not isinstance(value, float) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} is no time and no speed")
    return value
