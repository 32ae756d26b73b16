"""Compiles and runs programs in other languages, with the tools on this machine."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from starcoder_lsp.cli.eval.measures import isolation, sandbox

# A compiler takes longer than the programs that it compiles, and Go begins with its library.
TIME_LIMIT_S = 60


@dataclass(frozen=True)
class Toolchain:
    """A row of toolchains.toml, whose comments explain the columns."""

    file: str
    steps: Sequence[Sequence[str]]
    probe: str
    keeps: Mapping[str, str] = field(default_factory=dict)
    reserves_memory: bool = False

    async def fault_of(self, program: str) -> str | None:
        """Return why a program does not pass; None if it does."""
        return await sandbox.fault_of(
            self.steps,
            self.file,
            program,
            self._environment,
            memory_bytes=None if self.reserves_memory else isolation.MEMORY_BYTES,
            time_limit_s=TIME_LIMIT_S,
        )

    @cached_property
    def _environment(self) -> Mapping[str, str]:
        kept = {
            name: os.environ.get(name) or str(Path(usual).expanduser())
            for name, usual in self.keeps.items()
        }
        return {"PATH": os.environ.get("PATH", os.defpath), **kept}

    async def missing(self) -> str | None:
        """Return what this machine lacks to run such programs; None if nothing."""
        for command, *_ in self.steps:
            if "/" not in command and shutil.which(command) is None:
                return f"{command} is not on PATH"
        if not isolation.is_possible():
            return "this system gives a process no namespaces of its own"
        fault = await self.fault_of(self.probe)
        return fault and fault.splitlines()[0]


@cache
def toolchains() -> Mapping[str, Toolchain]:
    text = Path(__file__).with_suffix(".toml").read_text("utf-8")
    return {name: Toolchain(**row) for name, row in tomllib.loads(text).items()}
