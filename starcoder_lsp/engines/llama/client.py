"""The llama engine as the front process sees it: its process, its state, its verbs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from starcoder_lsp.engines import (
    AMPLE,
    EngineReport,
    EngineState,
    Phase,
    Speed,
    raise_if_failed,
    raise_unless_ready,
)
from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.connection import Connect, own_process
from starcoder_lsp.engines.llama.idle import IdleWatch
from starcoder_lsp.engines.llama.messages import AnswerRows, EngineRequest, Load
from starcoder_lsp.engines.llama.pending import PendingRequests, is_last
from starcoder_lsp.errors import EngineCrashed, EngineError, EngineYielded
from starcoder_lsp.flow import Candidate, Limits, Piece, Prompt, Score
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import KEEP_TRYING, RestartPolicy
from starcoder_lsp.runtime.watchdog import Watchdog

logger = logging.getLogger(__name__)

# A load is taken to hang when it makes no progress for so long. Network disks pause for
# up to a minute while their server restarts.
LOAD_PATIENCE_S = 60.0
# After so many loads in a row that hang there is no further try.
MAX_HUNG_LOADS = 3

LOADING = "the model"
CRASHED = "the engine died and is being restarted"
HANGS = "the engine hangs and is being restarted"


class LlamaEngine:
    """An `Engine` with one model in one process, which `connect` starts or finds.

    After `idle_s` seconds without a request the process is released, and its memory with
    it, until the next request; 0 means never. A crash fails the requests that run, and
    the process is started again as `policy` says. A model that cannot be loaded is not
    tried again.
    """

    def __init__(
        self,
        load: Load,
        *,
        on_state: Callable[[EngineState], None] = lambda state: None,
        policy: RestartPolicy = KEEP_TRYING,
        log_level: str = "warning",
        connect: Connect = own_process,
        idle_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._load = load
        self._on_state = on_state
        self._state = EngineState(Phase.STARTING, "not started yet")
        self._speed: Speed | None = None
        self._loaded: messages.Loaded | None = None
        self._changed = asyncio.Event()
        # Why the process was killed, if it was us.
        self._killed_because = ""
        self._n_hung_loads = 0
        self._watchdog = Watchdog(self._hangs)
        self._pending = PendingRequests(self._watchdog)
        self._idle = IdleWatch(idle_s, self._fall_asleep, clock=clock, sleep=sleep)
        self._process = connect(
            load,
            log_level=log_level,
            on_start=self._started,
            on_frame=self._receive,
            on_exit=self._exited,
            policy=policy,
        )
        self._hear: dict[str, Callable[[Frame], None]] = {
            "piece": lambda frame: self._deliver(frame, messages.piece_from(frame)),
            "answer": lambda frame: self._deliver(frame, messages.answer_from(frame)),
            "error": lambda frame: self._deliver(frame, messages.error_from(frame)),
            "loading": self._hear_loading,
            "ready": self._hear_ready,
            "speed": self._hear_speed,
            "failed": self._hear_failed,
            "saving": lambda frame: self._process.allow(frame["seconds"]),
            # A shared process works for another editor just now.
            "waiting": lambda frame: None,
        }

    @property
    def state(self) -> EngineState:
        return self._state

    @property
    def speed(self) -> Speed | None:
        return self._speed

    @property
    def loaded(self) -> messages.Loaded | None:
        """The size that the model was loaded with; None before."""
        return self._loaded

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def start(self) -> None:
        if self._state.phase in (Phase.STARTING, Phase.SLEEPING):
            self._set_state(EngineState(Phase.STARTING, "starting"))
            self._process.start()

    async def ready(self) -> EngineReport:
        while self._state.phase is not Phase.READY:
            await self._change()
        assert self._loaded is not None
        return EngineReport(str(self._loaded), self._loaded.notes)

    async def measured(self) -> Speed:
        raise_if_failed(self._state)
        while self._speed is None:
            await self._change()
        return self._speed

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        request = EngineRequest("generate", prompt, limits)
        async with aclosing(self._ask(request)) as outcomes:
            async for piece in outcomes:
                assert isinstance(piece, Piece)
                # A request that we cancel ourselves is no longer heard.
                if piece.usage.finish_reason == "cancelled":
                    raise EngineYielded("the engine was wanted for something else")
                yield piece

    async def candidates(
        self, prompt: Prompt, limits: Limits, n_wanted: int
    ) -> list[Candidate]:
        return await self._answer(EngineRequest("candidates", prompt, limits, n_wanted))

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        return await self._answer(EngineRequest("score", prompt, limits, texts=texts))

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        request = EngineRequest("count_tokens", limits=AMPLE, texts=texts)
        return await self._answer(request)

    async def close(self) -> None:
        # Requests from now on fail at once.
        self._state = EngineState(Phase.FAILED, "the engine was closed")
        self._changed.set()
        self._idle.stop()
        self._watchdog.stop()
        self._pending.fail(EngineCrashed("the engine was closed"))
        await self._process.close()

    async def _answer(self, request: EngineRequest) -> list[Any]:
        async with aclosing(self._ask(request)) as outcomes:
            answer = await anext(outcomes)
        assert isinstance(answer, AnswerRows)
        return answer.rows

    async def _ask(self, request: EngineRequest) -> AsyncGenerator[Piece | AnswerRows]:
        """Yield what the process says to a request, up to the last outcome."""
        if self._state.phase is Phase.SLEEPING:
            self.start()
        raise_unless_ready(self._state)
        # Reading ahead, while the user only looks at code, keeps no engine awake.
        if request.limits.max_tokens:
            self._idle.touch()
        request_id, outcomes = self._pending.open(request.limits.time_budget_ms)
        is_over = False
        try:
            self._process.send(messages.request_frame(request_id, request))
            while not is_over:
                outcome = await outcomes.get()
                is_over = is_last(outcome)
                if isinstance(outcome, EngineError):
                    raise outcome
                yield outcome
        finally:
            if not is_over:
                self._pending.cancel(request_id)
                self._process.send(messages.cancel_frame(request_id))

    async def _change(self) -> None:
        """Wait until state or speed change; raises EngineFailed when neither will."""
        raise_if_failed(self._state)
        self._changed.clear()
        await self._changed.wait()

    def _set_state(self, state: EngineState) -> None:
        self._state = state
        self._changed.set()
        self._on_state(state)

    def _started(self) -> None:
        self._process.send(messages.load_frame(self._load))
        self._watchdog.expect(LOADING, LOAD_PATIENCE_S)

    def _receive(self, frame: Frame) -> None:
        self._watchdog.heard()
        if (hear := self._hear.get(frame["op"])) is None:
            logger.error("the engine sent an unknown message %r", frame["op"])
        elif self._state.phase is not Phase.FAILED or frame["op"] == "saving":
            hear(frame)

    def _hear_loading(self, frame: Frame) -> None:
        share = frame["share"]
        self._set_state(EngineState(Phase.LOADING, f"loading {share:.0%}", share))

    def _hear_ready(self, frame: Frame) -> None:
        self._n_hung_loads = 0
        self._loaded = messages.loaded_from(frame)
        logger.info("ready: %s; %s", self._loaded, self._loaded.build)
        n_tokens = self._loaded.n_context - self._load.n_reserved - 1
        self._watchdog.settle(LOADING)
        self._set_state(EngineState(Phase.READY, "ready", 1.0, n_tokens))
        self._idle.start()

    def _hear_speed(self, frame: Frame) -> None:
        self._speed = messages.speed_from(frame)
        self._changed.set()

    def _hear_failed(self, frame: Frame) -> None:
        self._fail(frame["message"])

    def _deliver(self, frame: Frame, outcome: Piece | AnswerRows | EngineError) -> None:
        self._pending.deliver(frame["id"], outcome)

    def _fall_asleep(self) -> None:
        if self._watchdog.expects_something:
            self._idle.start()
            return
        self._process.retire()
        self._set_state(EngineState(Phase.SLEEPING, "asleep until it is needed"))

    def _hangs(self) -> None:
        """Replace a process that is silent although it owes something."""
        is_loading = self._state.phase is not Phase.READY
        self._killed_because = HANGS
        if is_loading:
            self._n_hung_loads += 1
            self._killed_because = (
                f"loading {self._load.path} makes no progress; is its disk or network "
                "share reachable? A copy on a local disk would load"
            )
        logger.error("%s", self._killed_because)
        self._pending.fail(EngineCrashed(self._killed_because))
        if is_loading and self._n_hung_loads >= MAX_HUNG_LOADS:
            self._fail(self._killed_because)
        else:
            self._set_state(EngineState(Phase.RESTARTING, self._killed_because))
        self._process.kill()

    def _fail(self, message: str) -> None:
        """Give the process up."""
        self._watchdog.stop()
        self._set_state(EngineState(Phase.FAILED, message))
        self._process.retire()

    def _exited(self, gave_up: bool) -> None:
        self._idle.stop()
        self._watchdog.stop()
        self._pending.fail(EngineCrashed(CRASHED))
        reason, self._killed_because = self._killed_because, ""
        if gave_up:
            message = reason or (
                f"the engine keeps dying with {self._load.path}: try another model or "
                "update llama-cpp-python; `starcoder-lsp doctor` may know why"
            )
            self._set_state(EngineState(Phase.FAILED, message))
        else:
            message = reason or "restarting after a crash"
            self._set_state(EngineState(Phase.RESTARTING, message))
