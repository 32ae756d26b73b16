"""Child processes that live, die, print garbage or cannot be started."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import AsyncIterator, Callable

import pytest

from starcoder_lsp.runtime.child import Child
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import RestartPolicy

ECHO = "while (f := frames.read(sys.stdin.buffer)) is not None: say(f)"


class Watched:
    """A child, and a record of its starts, frames and ends."""

    def __init__(self, program: str, **policy: float) -> None:
        header = """
            import os, sys, time
            from starcoder_lsp.runtime import frames
            def say(frame):
                sys.stdout.buffer.write(frames.encode(frame)); sys.stdout.buffer.flush()
        """
        source = textwrap.dedent(header) + program
        self.waits: list[float] = []
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()
        self.exits: asyncio.Queue[bool] = asyncio.Queue()
        self.n_starts = 0
        self.child = Child(
            [sys.executable, "-c", source],
            on_start=self._started,
            on_frame=self.frames.put_nowait,
            on_exit=self.exits.put_nowait,
            policy=RestartPolicy(**policy),  # type: ignore[arg-type]  # numbers
            sleep=self._sleep,
        )
        self.child.start()

    def _started(self) -> None:
        self.n_starts += 1
        self.child.send({"hello": self.n_starts})

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
async def watch() -> AsyncIterator[Callable[..., Watched]]:
    watched: list[Watched] = []

    def start(program: str, **policy: float) -> Watched:
        watched.append(Watched(program, **policy))
        return watched[-1]

    yield start
    for one in watched:
        await one.child.close()


Watch = Callable[..., Watched]


async def test_frames_go_both_ways(watch: Watch) -> None:
    seen = watch(ECHO)
    assert await seen.frames.get() == {"hello": 1}
    seen.child.send({"text": "a\u2028😀" * 10_000})
    assert len((await seen.frames.get())["text"]) == 30_000


async def test_a_child_that_dies_is_started_again_and_waits_double(
    watch: Watch,
) -> None:
    seen = watch("sys.exit(3)", max_crashes=5)
    exits = [await seen.exits.get() for _ in range(5)]
    assert exits == [False, False, False, False, True]
    assert seen.waits == [1.0, 2.0, 4.0, 8.0]


async def test_a_child_that_was_given_up_starts_when_asked(watch: Watch) -> None:
    seen = watch("sys.exit(3)", max_crashes=1)
    assert await seen.exits.get() is True
    await asyncio.sleep(0)
    seen.child.start()
    assert await seen.exits.get() is True
    assert seen.n_starts == 2


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello world, this is a log line",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x02[]",
        b"\0\0\0\x01{",
    ],
)
async def test_a_child_that_prints_garbage_is_ended_and_started_again(
    watch: Watch, garbage: bytes
) -> None:
    printed = f"sys.stdout.buffer.write({garbage!r}); sys.stdout.flush(); "
    seen = watch(printed + "time.sleep(600)", max_crashes=2)
    assert await seen.exits.get() is False
    assert seen.frames.empty()


async def test_a_frame_that_a_child_does_not_finish_is_none(watch: Watch) -> None:
    seen = watch("sys.stdout.buffer.write(b'\\0\\0')", max_crashes=1)
    assert await seen.exits.get() is True
    assert seen.frames.empty()


async def test_a_child_that_does_not_end_is_killed(watch: Watch) -> None:
    seen = watch(
        "import signal; signal.signal(15, signal.SIG_IGN)\n"
        + "say({})\n"
        + "time.sleep(600)"
    )
    assert await seen.frames.get() == {}
    await seen.child.close()
    assert seen.child.pid is None


async def test_a_frame_for_a_dead_child_is_dropped(watch: Watch) -> None:
    seen = watch(ECHO)
    assert await seen.frames.get() == {"hello": 1}
    seen.child.kill()
    assert await seen.exits.get() is False
    seen.child.send({"nobody": "listens"})
    assert await seen.frames.get() == {"hello": 2}
    seen.child.send({"somebody": "listens"})
    assert await seen.frames.get() == {"somebody": "listens"}


async def test_the_end_of_a_released_child_is_not_a_crash_and_it_may_start_again(
    watch: Watch,
) -> None:
    seen = watch(ECHO)
    assert await seen.frames.get() == {"hello": 1}
    seen.child.retire()
    while seen.child.pid is not None:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    assert (seen.n_starts, seen.exits.empty()) == (1, True)
    seen.child.start()
    assert await seen.frames.get() == {"hello": 2}
    assert seen.exits.empty()


async def test_a_child_that_is_wanted_while_it_goes_is_started_at_once(
    watch: Watch,
) -> None:
    seen = watch(ECHO)
    assert await seen.frames.get() == {"hello": 1}
    seen.child.retire()
    seen.child.start()
    assert await seen.frames.get() == {"hello": 2}
    assert (seen.waits, seen.exits.empty()) == ([], True)
    seen.child.kill()
    assert await seen.exits.get() is False
    assert seen.waits == [1.0]


async def test_a_program_that_is_not_there_counts_as_a_crash() -> None:
    exits: asyncio.Queue[bool] = asyncio.Queue()
    child = Child(
        ["/no/such/program"],
        on_start=lambda: None,
        on_frame=lambda frame: None,
        on_exit=exits.put_nowait,
        policy=RestartPolicy(max_crashes=1),
    )
    child.start()
    assert await exits.get() is True
    await child.close()
