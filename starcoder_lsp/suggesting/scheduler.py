"""Who may use the model now: one generation at a time, the newest request's.

Order per request: what is known already, a generation under way that agrees with what
was typed since, a rest in typing, a new generation.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from starcoder_lsp.errors import EngineYielded
from starcoder_lsp.suggesting.cache import Spot
from starcoder_lsp.suggesting.cache.follow import follow

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Hear = Callable[[str], None]

# How long a generation that nobody waits for any more may still be joined: editors
# cancel a request when a key is pressed, and send the next one right after.
GRACE_S = 0.03


@dataclass(frozen=True)
class Request(Generic[Answer]):
    """Somebody waits for this; `find` is asked first, and again after each generation.

    A newer request supersedes older ones of its channel. `read` is the spot as the
    model reads it: what was generated for the same is joined. `variant` names what is
    wanted in place of the usual suggestion; only work for the same can tell that.
    """

    channel: str
    spot: Spot
    read: Spot
    find: Callable[[], Answer | None]
    work: Callable[[Hear], Awaitable[Answer]]
    delay_s: float = 0.0
    variant: str = ""


@dataclass(frozen=True)
class Job:
    """Work for idle times; without a spot nothing that a request could wait for."""

    spot: Spot | None
    read: Spot | None
    work: Callable[[Hear], Awaitable[object]]


class _End(Enum):
    DONE = "done"
    STOPPED = "stopped"
    DIVERGED = "diverged"


@dataclass(eq=False)
class _Generation:
    """What the model is doing; `text` is what it has written so far."""

    spot: Spot | None
    read: Spot | None
    variant: str = ""
    text: str = ""
    is_stopping: bool = False
    # The number of the newest request that has waited for it.
    newest: int = 0
    task: asyncio.Task[object] = field(init=False)
    waiting: dict[asyncio.Future[_End], Spot] = field(default_factory=dict)

    def hear(self, text: str) -> None:
        self.text = text
        for future, read in self.waiting.items():
            if not future.done() and not self._agrees_with(read):
                future.set_result(_End.DIVERGED)

    def may_serve(self, request: Request[Answer]) -> bool:
        if self.is_stopping:
            return False
        if request.variant:
            return request.variant == self.variant and request.spot == self.spot
        return self._agrees_with(request.read)

    def end(self, how: _End) -> None:
        for future in self.waiting:
            if not future.done():
                future.set_result(how)

    def _agrees_with(self, read: Spot) -> bool:
        ours = self.read
        if ours is None or read.space != ours.space:
            return False
        if not read.prefix.startswith(ours.prefix):
            return False
        typed = read.prefix[len(ours.prefix) :].replace("\r\n", "\n")
        is_behind = typed.startswith(self.text) or follow(typed, self.text) is not None
        return is_behind or follow(self.text, typed) is not None


class Scheduler:
    """Everybody gets one answer: None when superseded, CancelledError when cancelled."""

    def __init__(
        self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._sleep = sleep
        self._running: _Generation | None = None
        self._requests: dict[str, tuple[Spot, asyncio.Task[Any]]] = {}
        self._background: asyncio.Task[None] | None = None
        self._graces: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    @property
    def is_idle(self) -> bool:
        return self._running is None and not self._requests

    async def run(self, request: Request[Answer]) -> Answer | None:
        """The request's answer, or None when a newer one took its place."""
        self._supersede(request.channel)
        if (known := request.find()) is not None:
            return known
        self._stop_background()
        answering = self._answer(request)
        task = asyncio.create_task(answering)
        entry = (request.spot, task)
        self._requests[request.channel] = entry
        try:
            await asyncio.wait([task])
        finally:
            # Only a cancelled caller gets here with the work still running.
            task.cancel()
            if self._requests.get(request.channel) is entry:
                del self._requests[request.channel]
        return None if task.cancelled() else task.result()

    def when_idle(self, plan: Callable[[], Job | None], rest_s: float) -> None:
        """Do what `plan` says after a rest, in place of what was planned before."""
        self._stop_background()
        background = self._work_in_background(plan, rest_s)
        self._background = asyncio.create_task(background)

    def cancel(self, uri: str) -> None:
        """Answer what a document's requests wait for with None, and stop their work."""
        for channel, (spot, _) in tuple(self._requests.items()):
            if spot.space.uri == uri:
                self._supersede(channel)
        # What is planned may be for it, and is soon planned again.
        self._stop_background()
        running = self._running
        if running and running.spot and running.spot.space.uri == uri:
            self._interrupt(running)

    def cancel_all(self) -> None:
        for channel in tuple(self._requests):
            self._supersede(channel)
        self._stop_background()
        if self._running is not None:
            self._interrupt(self._running)

    async def _answer(self, request: Request[Answer]) -> Answer | None:
        number = next(self._numbers)
        running = await self._generation_for(request, number, request.delay_s)
        while running is not None:
            running.newest = max(running.newest, number)
            end = await self._join(running, request.read)
            if end is _End.STOPPED:
                return None
            if end is _End.DONE:
                # Raises what the generation raised.
                answer = running.task.result()
                if running.spot == request.spot:
                    return answer  # type: ignore[return-value]  # made by its work
                if (found := request.find()) is not None:
                    return found
            running = await self._generation_for(request, number, 0.0)
        return None

    async def _generation_for(
        self, request: Request[Answer], number: int, delay_s: float
    ) -> _Generation | None:
        """One under way that agrees, else a new one after a rest in typing.

        None while the model works for a newer request, which may be of another channel.
        """
        while (running := self._running) is None or not running.may_serve(request):
            if running and running.newest > number and not running.is_stopping:
                return None
            await self._free()
            if delay_s > 0:
                await self._sleep(delay_s)
                delay_s = 0.0
            elif self._running is None:
                generation = _Generation(request.spot, request.read, request.variant)
                return self._start(generation, request.work)
        return running

    def _start(
        self, generation: _Generation, work: Callable[[Hear], Awaitable[object]]
    ) -> _Generation:
        async def generate() -> object:
            return await work(generation.hear)

        def ended(task: asyncio.Task[object]) -> None:
            if self._running is generation:
                self._running = None
            generation.end(_how_ended(task))

        generation.task = asyncio.create_task(generate())
        generation.task.add_done_callback(ended)
        self._running = generation
        return generation

    async def _join(self, generation: _Generation, read: Spot) -> _End:
        future: asyncio.Future[_End] = asyncio.get_running_loop().create_future()
        generation.waiting[future] = read
        try:
            return await future
        finally:
            del generation.waiting[future]
            if not generation.waiting and not generation.task.done():
                grace = asyncio.create_task(self._stop_after_grace(generation))
                self._graces.add(grace)
                grace.add_done_callback(self._graces.discard)

    async def _stop_after_grace(self, generation: _Generation) -> None:
        await self._sleep(GRACE_S)
        if not generation.waiting:
            self._interrupt(generation)

    def _interrupt(self, generation: _Generation) -> None:
        generation.is_stopping = True
        generation.task.cancel()

    async def _free(self) -> None:
        """Stop the model, if it works, and wait until it has stopped."""
        if (running := self._running) is not None:
            self._interrupt(running)
            running.end(_End.STOPPED)
            await asyncio.wait([running.task])

    def _supersede(self, channel: str) -> None:
        if (older := self._requests.pop(channel, None)) is not None:
            older[1].cancel()

    def _stop_background(self) -> None:
        """What it has begun goes on until somebody else needs the model."""
        if self._background is not None:
            self._background.cancel()
            self._background = None

    async def _work_in_background(
        self, plan: Callable[[], Job | None], rest_s: float
    ) -> None:
        await self._sleep(rest_s)
        # A request ends this task; what it has left running may end by itself.
        if (running := self._running) is not None:
            await asyncio.wait([running.task])
        if self.is_idle and (job := plan()) is not None:
            self._start(_Generation(job.spot, job.read), job.work)


def _how_ended(task: asyncio.Task[object]) -> _End:
    if task.cancelled():
        return _End.STOPPED
    # Whoever waits raises what it raised, and nobody else has to; but work that was
    # begun for nobody is begun again for who has joined it.
    return _End.DIVERGED if isinstance(task.exception(), EngineYielded) else _End.DONE
