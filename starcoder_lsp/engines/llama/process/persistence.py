"""What of a session outlives its process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.machine import resources, speed
from starcoder_lsp.engines.llama.machine.capacity import Plan
from starcoder_lsp.engines.llama.machine.speed import Known, Speeds
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.engines.llama.process import identity
from starcoder_lsp.engines.llama.process.kv_files import States
from starcoder_lsp.engines.llama.process.persistent_session import (
    WORTH_SAVING,
    LastingSession,
)
from starcoder_lsp.flow import Usage
from starcoder_lsp.runtime import paths

logger = logging.getLogger(__name__)

# A machine that never has time for it is left alone.
MAX_TRIES = 3
# Of the cores' time; with less of it something else was computing too.
UNDISTURBED_SHARE = 0.7


class Keeper:
    """Gives a session what is known of its speed, and keeps what is learned."""

    def __init__(
        self, session: LastingSession, load: Load, plan: Plan, build: str
    ) -> None:
        self.session = session
        folder = paths.cache_dir() / "engine"
        model = identity.of_model(Path(load.path))
        n_threads = self._n_threads = load.n_threads or resources.n_cores()
        self._is_on_gpu = plan.n_gpu_layers > 0
        self._speeds = Speeds(folder / "speeds.json")
        self._speed_key = identity.key(
            model,
            build,
            resources.cpu_name(),
            n_threads,
            plan.n_gpu_layers,
            plan.kv_type,
        )
        self._states = States(folder / "states", load.kv_cache_bytes)
        self._state_key = identity.key(model, build, *astuple(replace(plan, notes=())))
        self._restored: list[int] = []
        self._restore()
        self._n_tries = 0
        self._is_sure = False
        if (known := self._speeds.get(self._speed_key)) is not None:
            session.speed, self._is_sure = known.speed, known.is_sure

    def measure(self, is_wanted: Callable[[], bool]) -> None:
        """Find out how fast the session is, unless that is known."""
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
        """Correct the speed by what a request showed."""
        if (known := self.session.speed) is None:
            return
        if (corrected := speed.corrected(known, usage)) != known:
            self._know(corrected)

    def save(self) -> None:
        """Keep what was read for the next start."""
        if not self._states.max_bytes:
            return
        try:
            tokens, state = self.session.state(self._states.max_bytes)
            if len(tokens) >= WORTH_SAVING and tokens != self._restored:
                self._states.keep(self._state_key, tokens, state)
        except (OSError, RuntimeError, MemoryError) as exc:
            logger.info("what was read is not kept: %s", exc)

    def _restore(self) -> None:
        try:
            if (found := self._states.find(self._state_key)) is None:
                return
            self._states.set_aside(self._state_key)
            if not self.session.restore(*found):
                return
        except MemoryError as exc:
            logger.info("what was read is not restored: %r", exc)
            return
        self._states.put_back(self._state_key)
        self._restored = found[0]
        logger.info("%d tokens were read in an earlier session", len(found[0]))

    def _know(self, measured: Speed) -> None:
        self.session.speed = measured
        self._speeds.keep(self._speed_key, Known(measured, self._is_sure))
        logger.info("%s", measured)
