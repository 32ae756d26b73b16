"""The llama engine as the front process sees it: a child, its state, streams of pieces."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from starcoder_lsp.engines import AMPLE, EngineState, Phase, Speed
from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.connection import Connect, own_process
from starcoder_lsp.engines.llama.idle import IdleWatch
from starcoder_lsp.engines.llama.messages import Answer, Load, Request
from starcoder_lsp.errors import (
    EngineCrashed,
    EngineError,
    EngineFailed,
    EngineNotReady,
    EngineYielded,
)
from starcoder_lsp.flow import Candidate, Limits, Piece, Prompt, Score
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import KEEP_TRYING, RestartPolicy

logger = logging.getLogger(__name__)

# A child that says nothing this long after a request's own time budget hangs.
HANG_GRACE_S = 10.0

Outcome = Piece | Answer | EngineError


class LlamaEngine:
    """One model in one process, which `connect` reaches.

    After `idle_s` without a request the process is let go, and its memory with it,
    until the next request; 0 means never. A crash costs the requests that run; the
    child is started again. A model that cannot be loaded is not tried again.
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
        self._streams: dict[int, asyncio.Queue[Outcome]] = {}
        self._ids = itertools.count(1)
        self._state = EngineState(Phase.STARTING)
        self._speed: Speed | None = None
        self._loaded: messages.Loaded | None = None
        self._changed = asyncio.Event()
        self._heard_at = 0.0
        self._unanswered: set[int] = set()
        self._idle = IdleWatch(idle_s, self._fall_asleep, clock=clock, sleep=sleep)
        self._link = connect(
            load,
            log_level=log_level,
            on_start=lambda: self._link.send(messages.load_frame(load)),
            on_frame=self._receive,
            on_exit=self._exited,
            policy=policy,
        )
        self._hear: dict[str, Callable[[Frame], None]] = {
            "piece": lambda frame: self._deliver(
                frame["id"], messages.piece_from(frame)
            ),
            "answer": lambda frame: self._deliver(
                frame["id"], messages.answer_from(frame)
            ),
            "error": lambda frame: self._deliver(
                frame["id"], messages.error_from(frame)
            ),
            "loading": self._hear_loading,
            "ready": self._hear_ready,
            "speed": self._hear_speed,
            "failed": self._hear_failed,
            # From a process that works for others just now.
            "waiting": lambda frame: None,
        }

    @property
    def state(self) -> EngineState:
        return self._state

    @property
    def speed(self) -> Speed | None:
        return self._speed

    @property
    def pid(self) -> int | None:
        return self._link.pid

    def start(self) -> None:
        """Begin to load, once; another try after a failure is another engine."""
        self._set_state(EngineState(Phase.STARTING, "starting"))
        self._link.start()

    async def ready(self) -> messages.Loaded:
        """Wait until the model can be used; raises EngineFailed when it cannot."""
        while self._state.phase is not Phase.READY:
            self._raise_if_failed()
            self._changed.clear()
            await self._changed.wait()
        assert self._loaded is not None
        return self._loaded

    async def measured(self) -> Speed:
        """Wait until the speed is known."""
        while self._speed is None:
            self._raise_if_failed()
            self._changed.clear()
            await self._changed.wait()
        return self._speed

    async def generate(self, prompt: Prompt, limits: Limits) -> AsyncGenerator[Piece]:
        async with aclosing(self._ask(Request("generate", prompt, limits))) as outcomes:
            async for piece in outcomes:
                assert isinstance(piece, Piece)
                # What we cancel ourselves is not heard any more.
                if piece.usage.finish_reason == "cancelled":
                    raise EngineYielded("the engine was wanted for something else")
                yield piece

    async def candidates(
        self, prompt: Prompt, limits: Limits, n_wanted: int
    ) -> list[Candidate]:
        return await self._answer(Request("candidates", prompt, limits, n_wanted))

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        return await self._answer(Request("score", prompt, limits, texts=texts))

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return await self._answer(Request("count_tokens", limits=AMPLE, texts=texts))

    async def _answer(self, request: Request) -> list[Any]:
        async with aclosing(self._ask(request)) as outcomes:
            answer = await anext(outcomes)
        assert isinstance(answer, Answer)
        return answer.rows

    async def _ask(self, request: Request) -> AsyncGenerator[Piece | Answer]:
        """What the child says to a request, up to its last word."""
        self._raise_unless_ready()
        request_id = next(self._ids)
        stream = self._streams[request_id] = asyncio.Queue()
        if not self._unanswered:
            self._heard_at = asyncio.get_running_loop().time()
        self._unanswered.add(request_id)
        # Reading ahead, while somebody only looks at code, keeps nothing awake.
        if request.limits.max_tokens:
            self._idle.touch()
        patience_s = request.limits.time_budget_ms / 1000 + HANG_GRACE_S
        is_over = False
        try:
            self._link.send(messages.request_frame(request_id, request))
            while not is_over:
                outcome = await self._next(stream, patience_s)
                is_over = True
                if isinstance(outcome, EngineError):
                    raise outcome
                is_over = _is_last(outcome)
                yield outcome
        except TimeoutError:
            is_over = True
            self._link.kill()
            raise EngineCrashed("the engine hangs and is being restarted") from None
        finally:
            del self._streams[request_id]
            if not is_over:
                self._link.send({"op": "cancel", "id": request_id})

    async def close(self) -> None:
        # Whoever asks from now on is told at once, not when patience ends.
        self._state = EngineState(Phase.FAILED, "the engine was closed")
        self._changed.set()
        self._idle.stop()
        self._fail_streams(EngineCrashed("the engine was closed"))
        await self._link.close()

    async def _next(self, stream: asyncio.Queue[Outcome], patience_s: float) -> Outcome:
        """The next outcome; TimeoutError when the child owes answers and is silent.

        It answers cancelled requests too, so that a hang shows while the user types on.
        """
        loop = asyncio.get_running_loop()
        while stream.empty():
            # Not wait_for, which loses a cancel on Python 3.11 (CPython issue 86296).
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._heard_at + patience_s):
                    return await stream.get()
            if loop.time() - self._heard_at >= patience_s:
                raise TimeoutError
        return stream.get_nowait()

    def _raise_if_failed(self) -> None:
        if self._state.phase is Phase.FAILED:
            raise EngineFailed(self._state.message)

    def _raise_unless_ready(self) -> None:
        self._raise_if_failed()
        if self._state.phase is Phase.SLEEPING:
            self.start()
        if self._state.phase is not Phase.READY:
            raise EngineNotReady(self._state.message)

    def _set_state(self, state: EngineState) -> None:
        self._state = state
        self._changed.set()
        self._on_state(state)

    def _receive(self, frame: Frame) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if (hear := self._hear.get(frame["op"])) is None:
            logger.error("the engine says %r, which means nothing", frame["op"])
        else:
            hear(frame)

    def _hear_loading(self, frame: Frame) -> None:
        share = frame["share"]
        self._set_state(EngineState(Phase.LOADING, f"loading {share:.0%}", share))

    def _hear_ready(self, frame: Frame) -> None:
        self._loaded = messages.loaded_from(frame)
        logger.info("ready: %s; %s", self._loaded, self._loaded.build)
        n_tokens = self._loaded.n_context - self._load.n_reserved - 1
        self._set_state(EngineState(Phase.READY, "ready", 1.0, n_tokens))
        self._idle.start()

    def _hear_speed(self, frame: Frame) -> None:
        self._speed = messages.speed_from(frame)
        self._changed.set()

    def _hear_failed(self, frame: Frame) -> None:
        self._set_state(EngineState(Phase.FAILED, frame["message"]))
        self._link.retire()

    def _deliver(self, request_id: int, outcome: Outcome) -> None:
        if _is_last(outcome):
            self._unanswered.discard(request_id)
        # Pieces of a request that was cancelled meanwhile go nowhere.
        if (stream := self._streams.get(request_id)) is not None:
            stream.put_nowait(outcome)

    def _fall_asleep(self) -> None:
        if self._unanswered:
            self._idle.start()
            return
        self._link.retire()
        self._set_state(EngineState(Phase.SLEEPING, "asleep until it is wanted"))

    def _exited(self, gave_up: bool) -> None:
        self._idle.stop()
        self._unanswered.clear()
        self._fail_streams(EngineCrashed("the engine died and is being restarted"))
        if gave_up:
            message = (
                f"the engine keeps dying with {self._load.path}: try another model or "
                "update llama-cpp-python; `starcoder-lsp doctor` may know why"
            )
            self._set_state(EngineState(Phase.FAILED, message))
        else:
            self._set_state(EngineState(Phase.RESTARTING, "restarting after a crash"))

    def _fail_streams(self, error: EngineError) -> None:
        for stream in self._streams.values():
            stream.put_nowait(error)


def _is_last(outcome: Outcome) -> bool:
    return not isinstance(outcome, Piece) or outcome.usage.finish_reason is not None
