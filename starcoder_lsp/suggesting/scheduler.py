"""Shares the model among requests: one generation at a time, for the newest request.

A request is answered from the cache if possible. Otherwise it joins a generation that
agrees with the text typed since, or waits for a pause and starts its own.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from starcoder_lsp.errors import EngineYielded
from starcoder_lsp.suggesting.cache import CacheKey
from starcoder_lsp.suggesting.cache.follow import follow

Answer = TypeVar("Answer")
OnText = Callable[[str], None]

# A generation whose last request was cancelled runs on for so long: editors cancel a
# request at each key, and send the next one right after.
GRACE_S = 0.03


@dataclass(frozen=True)
class ForegroundRequest(Generic[Answer]):
    """A request for which an editor waits.

    `find` looks for a known answer, first of all and again after each generation; `work`
    generates one, and calls its argument with the whole text so far after each piece. A
    newer request supersedes older ones of its `channel`. `key` is the cache key of the
    cursor, and `read_key` that of the cursor as the model reads it; the request joins a
    generation whose `read_key` and text agree with its own. A request for another
    `variant` joins only generations of the same variant and key. Work that `is_short`
    stops after one line, and a request that `needs_whole` does not join it.
    """

    channel: str
    key: CacheKey
    read_key: CacheKey
    find: Callable[[], Answer | None]
    work: Callable[[OnText], Awaitable[Answer]]
    delay_s: float = 0.0
    variant: str = ""
    is_short: bool = False
    needs_whole: bool = False


@dataclass(frozen=True)
class BackgroundJob:
    """Work for idle times; requests may join it if it has a key."""

    key: CacheKey | None
    read_key: CacheKey | None
    work: Callable[[OnText], Awaitable[object]]
    is_short: bool = False


class _End(Enum):
    DONE = "done"
    STOPPED = "stopped"
    DIVERGED = "diverged"


@dataclass(eq=False)
class _Generation:
    """The work that runs now, its text so far, and the requests that wait for it."""

    key: CacheKey | None
    read_key: CacheKey | None
    variant: str = ""
    is_short: bool = False
    text: str = ""
    is_stopping: bool = False
    # The number of the newest request that has waited for it.
    newest: int = 0
    task: asyncio.Task[object] = field(init=False)
    waiting: dict[asyncio.Future[_End], CacheKey] = field(default_factory=dict)

    def on_text(self, text: str) -> None:
        self.text = text
        for future, read_key in self.waiting.items():
            if not future.done() and not self._agrees_with(read_key):
                future.set_result(_End.DIVERGED)

    def may_serve(self, request: ForegroundRequest[Answer]) -> bool:
        if self.is_stopping or (self.is_short and request.needs_whole):
            return False
        if request.variant:
            return request.variant == self.variant and request.key == self.key
        return self._agrees_with(request.read_key)

    def end(self, how: _End) -> None:
        for future in self.waiting:
            if not future.done():
                future.set_result(how)

    def _agrees_with(self, read_key: CacheKey) -> bool:
        ours = self.read_key
        if ours is None or read_key.scope != ours.scope:
            return False
        if not read_key.prefix.startswith(ours.prefix):
            return False
        typed = read_key.prefix[len(ours.prefix) :].replace("\r\n", "\n")
        # The model may be behind what was typed, or ahead of it.
        is_behind = typed.startswith(self.text) or follow(typed, self.text) is not None
        return is_behind or follow(self.text, typed) is not None


class Scheduler:
    """Runs requests and background jobs, one generation at a time.

    `sleep` waits for so many seconds; tests replace it.
    """

    def __init__(
        self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._sleep = sleep
        self._running: _Generation | None = None
        self._requests: dict[str, tuple[CacheKey, asyncio.Task[Any]]] = {}
        self._background: asyncio.Task[None] | None = None
        self._graces: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)

    @property
    def is_idle(self) -> bool:
        return self._running is None and not self._requests

    async def run(self, request: ForegroundRequest[Answer]) -> Answer | None:
        """Return the answer to a request; None when a newer one took its place.

        Raises CancelledError when the caller is cancelled, and what the work raises.
        """
        self._supersede(request.channel)
        if (known := request.find()) is not None:
            return known
        self._stop_background()
        answering = self._answer(request)
        task = asyncio.create_task(answering)
        entry = (request.key, task)
        self._requests[request.channel] = entry
        try:
            await asyncio.wait([task])
        finally:
            # The task still runs only if the caller was cancelled.
            task.cancel()
            if self._requests.get(request.channel) is entry:
                del self._requests[request.channel]
        return None if task.cancelled() else task.result()

    def when_idle(
        self, plan: Callable[[], BackgroundJob | None], pause_s: float
    ) -> None:
        """Run the job that `plan` returns, after `pause_s` and once the model is idle.

        This replaces an earlier plan. A request cancels it.
        """
        self._stop_background()
        background = self._work_in_background(plan, pause_s)
        self._background = asyncio.create_task(background)

    def cancel(self, uri: str) -> None:
        """Answer the requests of a document with None, and stop their generation."""
        for channel, (key, _) in tuple(self._requests.items()):
            if key.scope.uri == uri:
                self._supersede(channel)
        # The planned job may be for this document; others are soon planned again.
        self._stop_background()
        running = self._running
        if running and running.key and running.key.scope.uri == uri:
            self._interrupt(running)

    def cancel_all(self) -> None:
        """Answer all requests with None, and stop the model."""
        for channel in tuple(self._requests):
            self._supersede(channel)
        self._stop_background()
        if self._running is not None:
            self._interrupt(self._running)

    async def _answer(self, request: ForegroundRequest[Answer]) -> Answer | None:
        number = next(self._numbers)
        running = await self._generation_for(request, number, request.delay_s)
        while running is not None:
            running.newest = max(running.newest, number)
            end = await self._join(running, request.read_key)
            if end is _End.STOPPED:
                return None
            if end is _End.DONE:
                # Raises the error of the generation, if there was one.
                answer = running.task.result()
                if running.key == request.key:
                    return answer  # type: ignore[return-value]  # made by its work
                if (found := request.find()) is not None:
                    return found
            running = await self._generation_for(request, number, 0.0)
        return None

    async def _generation_for(
        self, request: ForegroundRequest[Answer], number: int, delay_s: float
    ) -> _Generation | None:
        """Return a running generation that agrees, or start one after a pause.

        None while the model works for a newer request, also of another channel.
        """
        while (running := self._running) is None or not running.may_serve(request):
            if running and running.newest > number and not running.is_stopping:
                return None
            await self._free()
            if delay_s > 0:
                await self._sleep(delay_s)
                delay_s = 0.0
            elif self._running is None:
                generation = _Generation(
                    request.key, request.read_key, request.variant, request.is_short
                )
                return self._start(generation, request.work)
        return running

    def _start(
        self, generation: _Generation, work: Callable[[OnText], Awaitable[object]]
    ) -> _Generation:
        async def generate() -> object:
            return await work(generation.on_text)

        def ended(task: asyncio.Task[object]) -> None:
            if self._running is generation:
                self._running = None
            generation.end(_how_ended(task))

        generation.task = asyncio.create_task(generate())
        generation.task.add_done_callback(ended)
        self._running = generation
        return generation

    async def _join(self, generation: _Generation, read_key: CacheKey) -> _End:
        future: asyncio.Future[_End] = asyncio.get_running_loop().create_future()
        generation.waiting[future] = read_key
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
        """Stop the running generation, and wait until it has ended."""
        if (running := self._running) is not None:
            self._interrupt(running)
            running.end(_End.STOPPED)
            await asyncio.wait([running.task])

    def _supersede(self, channel: str) -> None:
        if (older := self._requests.pop(channel, None)) is not None:
            older[1].cancel()

    def _stop_background(self) -> None:
        """Drop the plan; a running job goes on until a request needs the model."""
        if self._background is not None:
            self._background.cancel()
            self._background = None

    async def _work_in_background(
        self, plan: Callable[[], BackgroundJob | None], pause_s: float
    ) -> None:
        await self._sleep(pause_s)
        # A request cancels this task. A generation that it left running may finish.
        if (running := self._running) is not None:
            await asyncio.wait([running.task])
        if self.is_idle and (job := plan()) is not None:
            generation = _Generation(job.key, job.read_key, is_short=job.is_short)
            self._start(generation, job.work)


def _how_ended(task: asyncio.Task[object]) -> _End:
    if task.cancelled():
        return _End.STOPPED
    # Reading the exception here keeps asyncio from logging it; waiting requests raise
    # it. A background job that yielded starts again for the requests that joined it.
    return _End.DIVERGED if isinstance(task.exception(), EngineYielded) else _End.DONE
