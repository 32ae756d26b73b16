"""Keeps the speed and the KV cache of a session for the next process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.machine import hardware, speed
from starcoder_lsp.engines.llama.machine.capacity import Plan
from starcoder_lsp.engines.llama.machine.speed import KnownSpeed, Speeds
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.engines.llama.process import fingerprint
from starcoder_lsp.engines.llama.process.kv_files import KvFiles
from starcoder_lsp.engines.llama.process.persistent_session import (
    WORTH_SAVING,
    PersistentSession,
)
from starcoder_lsp.flow import Usage
from starcoder_lsp.runtime import paths

logger = logging.getLogger(__name__)

# On a machine that is always busy the speed stays a guess.
MAX_TRIES = 3
# When we get less of the cores' time, other processes compute, too.
UNDISTURBED_SHARE = 0.7


class Persistence:
    """Restores what is known of a session, and saves what is learned."""

    def __init__(
        self, session: PersistentSession, load: Load, plan: Plan, build: str
    ) -> None:
        self.session = session
        folder = paths.cache_dir() / "engine"
        model = fingerprint.of_model(Path(load.path))
        n_threads = self._n_threads = load.n_threads or hardware.n_cores()
        self._is_on_gpu = plan.n_gpu_layers > 0
        self._speeds = Speeds(folder / "speeds.json")
        self._speed_key = fingerprint.cache_key(
            model,
            build,
            hardware.cpu_name(),
            n_threads,
            plan.n_gpu_layers,
            plan.kv_type,
        )
        self._kv_files = KvFiles(folder / "states", load.kv_cache_bytes)
        self._kv_key = fingerprint.cache_key(
            model, build, *astuple(replace(plan, notes=()))
        )
        self._restored: list[int] = []
        self._restore()
        self._n_tries = 0
        self._is_sure = False
        if (known := self._speeds.get(self._speed_key)) is not None:
            session.speed, self._is_sure = known.speed, known.is_sure

    def measure(self, is_wanted: Callable[[], bool]) -> None:
        """Measure the session's speed unless it is known; stop when it `is_wanted`."""
        if self._is_sure or self._n_tries >= MAX_TRIES or is_wanted():
            return
        wall, cpu = time.monotonic(), time.process_time()
        try:
            measured = self.session.measure(is_wanted)
        except RuntimeError as exc:
            logger.warning("the speed was not measured: %s", exc)
            self._n_tries = MAX_TRIES
            return
        if measured is not None:
            self._n_tries += 1
            available = (time.monotonic() - wall) * self._n_threads
            share = (time.process_time() - cpu) / max(available, 1e-9)
            self._is_sure = self._is_on_gpu or share >= UNDISTURBED_SHARE
            self._know(speed.better(self.session.speed, measured))

    def learn(self, usage: Usage) -> None:
        """Correct the speed by what a request took."""
        if (known := self.session.speed) is None:
            return
        if (corrected := speed.corrected(known, usage)) != known:
            self._know(corrected)

    def save(self) -> None:
        """Save the KV cache for the next start."""
        if not self._kv_files.max_bytes:
            return
        try:
            tokens, state = self.session.state(self._kv_files.max_bytes)
            if len(tokens) >= WORTH_SAVING and tokens != self._restored:
                self._kv_files.keep(self._kv_key, tokens, state)
        except (OSError, RuntimeError, MemoryError) as exc:
            logger.info("the KV cache is not saved: %s", exc)

    def _restore(self) -> None:
        try:
            if (found := self._kv_files.find(self._kv_key)) is None:
                return
            self._kv_files.set_aside(self._kv_key)
            if not self.session.restore(*found):
                return
        except MemoryError as exc:
            logger.info("the KV cache is not restored: %r", exc)
            return
        self._kv_files.put_back(self._kv_key)
        self._restored = found[0]
        logger.info(
            "the KV cache of an earlier session is restored: %d tokens", len(found[0])
        )

    def _know(self, measured: Speed) -> None:
        self.session.speed = measured
        self._speeds.keep(self._speed_key, KnownSpeed(measured, self._is_sure))
        logger.info("%s", measured)
