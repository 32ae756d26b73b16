"""The targets of log lines, also those of child processes, and their changes."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from starcoder_lsp.runtime import log
from starcoder_lsp.runtime.child import Child
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.log import LogTarget

OURS = logging.getLogger("starcoder_lsp.test")
# A child that logs one line for each frame, as one of ours does.
CHILD = """
import logging, sys
from starcoder_lsp.runtime import frames, log
out = frames.claim_stdout()
log.set_up("warning")
while (frame := frames.read(sys.stdin.buffer)) is not None:
    if frame["op"] == "log":
        log.follow(log.target_from(frame))
    else:
        logging.getLogger("starcoder_lsp.child").info("line %s", frame["op"])
    out.write(frames.encode(frame)); out.flush()
"""


@pytest.fixture(autouse=True)
def log_as_before() -> Iterator[None]:
    yield
    log.set_up()


def test_a_level_and_a_file_hold_from_the_moment_they_are_set(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "server.log"
    OURS.info("before")
    log.set_up("info", file)
    OURS.info("after\n\x1b[31m")
    text = file.read_text("utf-8")
    assert "before" not in text
    assert text.endswith(r"INFO starcoder_lsp.test: after\n\x1b[31m" + "\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert log.target() == LogTarget("info", file)


def test_a_file_that_cannot_be_written_leaves_the_log_where_it_was(
    tmp_path: Path,
) -> None:
    file = tmp_path / "server.log"
    log.set_up("info", file)
    with pytest.raises(OSError, match="directory"):
        log.set_up("info", file / "below" / "a file")
    assert log.target() == LogTarget("info", file)
    OURS.info("still here")
    assert "still here" in file.read_text("utf-8")


def test_a_log_that_another_process_rotates_is_opened_again(tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    log.follow(LogTarget("info", file))
    OURS.info("one")
    file.rename(tmp_path / "server.log.1")
    OURS.info("two")
    assert "two" in file.read_text("utf-8")


def test_a_child_that_cannot_write_the_file_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log.follow(LogTarget("info", tmp_path / "file" / "below"))
    assert log.target() == LogTarget()


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"level": "info"},
        {"level": "loud", "file": None},
        {"level": None, "file": None},
        {"level": "info", "file": 3},
    ],
)
def test_a_malformed_frame_is_an_error_of_its_own_kind(frame: Frame) -> None:
    with pytest.raises((LookupError, TypeError, ValueError)):
        log.target_from(frame)


def test_a_frame_carries_the_target(tmp_path: Path) -> None:
    log.set_up("debug", tmp_path / "a")
    assert log.target_from(log.frame()) == log.target()


async def test_a_running_child_logs_where_its_parent_does(tmp_path: Path) -> None:
    heard: asyncio.Queue[Frame] = asyncio.Queue()
    started = asyncio.Event()
    child = Child(
        [sys.executable, "-c", CHILD],
        on_start=started.set,
        on_frame=heard.put_nowait,
        on_exit=lambda gave_up: None,
    )
    child.start()
    try:
        await started.wait()
        first, second = tmp_path / "first.log", tmp_path / "second.log"
        for n, (level, file) in enumerate([("info", first), ("info", second)]):
            log.set_up(level, file)
            child.send({"op": f"number {n}"})
            assert (await heard.get())["op"] == "log"
            assert (await heard.get())["op"] == f"number {n}"
        log.set_up("error", second)
        child.send({"op": "number 2"})
        for _ in range(2):
            await heard.get()
    finally:
        await child.close()
    assert "line number 0" in first.read_text("utf-8")
    assert "line number 1" in second.read_text("utf-8")
    assert "line number 2" not in second.read_text("utf-8")


async def test_a_child_that_starts_later_is_told_before_anything_else(
    tmp_path: Path,
) -> None:
    heard: asyncio.Queue[Frame] = asyncio.Queue()
    child = Child(
        [sys.executable, "-c", CHILD],
        on_start=lambda: child.send({"op": "load"}),
        on_frame=heard.put_nowait,
        on_exit=lambda gave_up: None,
    )
    log.set_up("info", tmp_path / "server.log")
    child.start()
    try:
        assert [(await heard.get())["op"] for _ in range(2)] == ["log", "load"]
    finally:
        await child.close()
    assert "line load" in (tmp_path / "server.log").read_text("utf-8")
