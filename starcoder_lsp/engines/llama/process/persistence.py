"""Keeps the speed and the KV cache of a session for the next process."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

from starcoder_lsp.engines.llama.machine import gguf, hardware, kernels, speed
from starcoder_lsp.engines.llama.machine.capacity import Plan
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.engines.llama.native.library import OutOfMemory
from starcoder_lsp.engines.llama.process import fingerprint
from starcoder_lsp.engines.llama.process.kv_files import KvFiles
from starcoder_lsp.engines.llama.process.persistent_session import (
    WORTH_SAVING,
    PersistentSession,
)
from starcoder_lsp.engines.llama.process.speeds import KnownSpeed, Speeds, key_of
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
        self,
        session: PersistentSession,
        load: Load,
        plan: Plan,
        build: str,
        speeds: Speeds,
    ) -> None:
        self.session = session
        self._n_threads = load.n_threads or hardware.n_cores()
        self._is_on_gpu = plan.n_gpu_layers > 0
        self._speeds = speeds
        self._speed_key = key_of(load, plan, build)
        self._weight_bytes = gguf.dense_bytes(Path(load.path))
        folder = paths.cache_dir() / "engine"
        self._kv_files = KvFiles(folder / "states", load.kv_cache_bytes)
        self._kv_parts = (
            fingerprint.of_model(Path(load.path)),
            build,
            *astuple(replace(plan, notes=())),
        )
        self._restored: list[int] = []
        self._restore()
        self._n_tries = 0
        self._known = speeds.get(self._speed_key)
        if self._known is not None:
            session.speed, session.mix = self._known.speed, self._known.mix
        else:
            self._measure_quickly()

    @property
    def _kv_key(self) -> str:
        return fingerprint.cache_key(*self._kv_parts, self.session.kernel)

    def _measure_quickly(self) -> None:
        """Size even the first prompt by a measurement."""
        with contextlib.suppress(RuntimeError):
            measured = self.session.measure(lambda: False, speed.QUICK)
            if measured is not None:
                self._know(KnownSpeed(measured, is_sure=False))

    def measure(self, is_wanted: Callable[[], bool]) -> None:
        """Measure what is not known for sure; stop when something `is_wanted`."""
        known, session = self._known, self.session
        needs_kernels = len(session.kernels) > 1 and not (known and known.kernels)
        if known is not None and known.is_sure and not needs_kernels:
            return
        if self._n_tries >= MAX_TRIES or is_wanted():
            return
        try:
            if known is None or not known.is_sure:
                self._measure_speed(is_wanted)
            if needs_kernels and self._known is not None and not is_wanted():
                self._measure_kernels(is_wanted, self._known)
        except (RuntimeError, OutOfMemory) as exc:
            logger.warning("the speed was not measured: %s", exc)
            self._n_tries = MAX_TRIES

    def _measure_speed(self, is_wanted: Callable[[], bool]) -> None:
        wall, cpu = time.monotonic(), time.process_time()
        measured = self.session.measure(is_wanted)
        if measured is None:
            return
        self._n_tries += 1
        available = (time.monotonic() - wall) * self._n_threads
        share = (time.process_time() - cpu) / max(available, 1e-9)
        is_sure = self._is_on_gpu or share >= UNDISTURBED_SHARE
        known = self._known or KnownSpeed(measured, is_sure)
        best = speed.better(known.speed, measured)
        self._know(replace(known, speed=best, is_sure=is_sure))

    def _measure_kernels(
        self, is_wanted: Callable[[], bool], known: KnownSpeed
    ) -> None:
        measured = self.session.measure_kernels(is_wanted, known.speed)
        if measured is None:
            return
        self._n_tries += 1
        if not measured:
            self._n_tries = MAX_TRIES
            return
        usual = self.session.kernels[0]
        kernel, its_speed = kernels.fastest(measured, self.session.mix, usual)
        self.session.adopt(kernel)
        self.session.read_on(is_wanted)
        now = speed.better(known.speed, its_speed)
        self._know(replace(known, speed=now, kernels=measured))
        logger.info("attention is computed with %s", self.session.kernel)

    def learn(self, usage: Usage) -> None:
        """Correct the speed by what a request took."""
        if self._known is None:
            return
        corrected = speed.corrected(self._known.speed, usage)
        if corrected != self._known.speed:
            self._know(replace(self._known, speed=corrected))

    def save(self) -> None:
        """Save the KV cache for the next start, and what requests are like."""
        if self._known is not None:
            self._know(self._known)
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

    def _know(self, known: KnownSpeed) -> None:
        self._known = replace(
            known, mix=self.session.mix, size_bytes=self._weight_bytes
        )
        self.session.speed = known.speed
        self._speeds.keep(self._speed_key, self._known)
        logger.info("%s", known.speed)
