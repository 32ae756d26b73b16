"""The rules for starting a process again, tested without a process."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader
from collections.abc import Awaitable, Callable

import pytest

from starcoder_lsp.runtime import frames, supervisor
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import RestartPolicy, Supervisor


async def at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


class Wire(Supervisor):
    """A process that ends when a test or the end of its input ends it."""

    pid = 1

    def __init__(
        self,
        on_frame: Callable[[Frame], None] = lambda frame: None,
        sleep: Callable[[float], Awaitable[None]] = at_once,
        *,
        is_deaf: bool = False,
    ) -> None:
        super().__init__(
            on_start=lambda: None,
            on_frame=on_frame,
            on_exit=self._count_crash,
            policy=RestartPolicy(max_crashes=3),
            sleep=sleep,
        )
        self.is_deaf = is_deaf
        self.n_connected = self.n_disconnected = self.n_crashes = 0
        self.may_connect = asyncio.Event()
        self.may_connect.set()
        self.stream: StreamReader | None = None

    def _count_crash(self, _gave_up: bool) -> None:
        self.n_crashes += 1

    def send(self, frame: Frame) -> None: ...

    def kill(self) -> None: ...

    async def _connect(self) -> StreamReader:
        await self.may_connect.wait()
        self.n_connected += 1
        self.stream = StreamReader()
        return self.stream

    def _hang_up(self) -> None:
        if self.stream is not None and not self.is_deaf:
            self.stream.feed_eof()

    async def _disconnect(self) -> None:
        self.stream = None
        self.n_disconnected += 1

    def crash(self) -> None:
        assert self.stream is not None
        self.stream.feed_eof()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def running(**arguments: object) -> Wire:
    wire = Wire(**arguments)  # type: ignore[arg-type]  # checked by Wire
    wire.start()
    await settled()
    return wire


async def test_a_crash_leads_to_another_start() -> None:
    wire = await running()
    wire.crash()
    await settled()
    assert (wire.n_connected, wire.n_crashes) == (2, 1)
    await wire.close()


@pytest.mark.parametrize("n_starts", [1, 2, 3])
async def test_a_retired_process_that_is_wanted_again_is_replaced_without_a_crash(
    n_starts: int,
) -> None:
    wire = await running()
    wire.retire()
    for _ in range(n_starts):
        wire.start()
    await settled()
    assert (wire.n_connected, wire.n_crashes) == (2, 0)
    await wire.close()


async def test_a_process_that_is_retired_last_is_not_started_again() -> None:
    wire = await running()
    wire.retire()
    wire.start()
    wire.retire()
    await settled()
    assert (wire.n_connected, wire.n_disconnected, wire.n_crashes) == (1, 1, 0)


async def test_a_process_retired_before_it_was_reached_is_let_go() -> None:
    wire = Wire()
    wire.may_connect.clear()
    wire.start()
    await settled()
    wire.retire()
    wire.may_connect.set()
    await settled()
    assert (wire.n_connected, wire.n_disconnected, wire.n_crashes) == (1, 1, 0)


async def test_a_process_retired_after_a_crash_is_not_started_again() -> None:
    waits = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        await waits.wait()

    wire = await running(sleep=sleep)
    wire.crash()
    await settled()
    wire.retire()
    waits.set()
    await settled()
    assert wire.n_connected == 1


async def test_a_retired_process_that_does_not_end_is_let_go_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "END_GRACE_S", 0.0)
    wire = await running(is_deaf=True)
    await wire.close()
    assert wire.n_disconnected == 1


async def test_a_retired_process_may_ask_for_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "END_GRACE_S", 0.05)
    wire: Wire = await running(is_deaf=True, on_frame=lambda frame: wire.allow(600))
    closing = asyncio.create_task(wire.close())
    assert wire.stream is not None
    wire.stream.feed_data(frames.encode({"op": "saving"}))
    await asyncio.sleep(0.2)
    assert not closing.done()
    wire.crash()
    await closing


@pytest.mark.parametrize(
    "mistake",
    [AttributeError, IndexError, KeyError, TypeError, ValueError, frames.BadFrame],
)
async def test_a_frame_that_cannot_be_used_is_a_crash(
    mistake: type[Exception],
) -> None:
    def use(_frame: Frame) -> None:
        raise mistake

    wire = await running(on_frame=use)
    assert wire.stream is not None
    wire.stream.feed_data(frames.encode({}))
    await settled()
    assert (wire.n_connected, wire.n_crashes) == (2, 1)
    await wire.close()
