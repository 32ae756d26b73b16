"""A child process reads the header of a user's file, so that a disk may hang."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.lsp.own_files import RETRY_S, OwnFiles
from starcoder_lsp.models import registry
from starcoder_lsp.runtime.network_disks import NetworkDisks
from starcoder_lsp.settings import own_file, own_file_child


@pytest.fixture(autouse=True)
def forget() -> None:
    own_file._recognised.clear()


async def test_the_child_says_what_the_file_is(
    tiny_starcoder2: Path, smollm2: Path
) -> None:
    for path in (tiny_starcoder2, smollm2):
        found = await own_file_child.recognise(path)
        own_file._recognised.clear()
        assert found == own_file.recognise(path)
    assert found.model is registry.find("smollm2-135m")


async def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_text("<!DOCTYPE html>")
    with pytest.raises(ModelBroken, match=r"a\.gguf is a web page"):
        await own_file_child.recognise(path)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("while True: pass", "its disk does not answer"),
        ("raise SystemExit(1)", "could not be read"),
        ("print('[]')", "could not be read"),
    ],
)
async def test_a_child_that_does_not_say_is_not_waited_for(
    program: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(own_file_child, "python_module", lambda *arguments: command)
    monkeypatch.setattr(own_file_child, "PATIENCE_S", 2.0)
    with pytest.raises(ModelBroken, match=message):
        await own_file_child.recognise(Path("/a.gguf"))


async def test_while_a_disk_does_not_answer_a_file_is_what_it_was(
    tiny_starcoder2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = own_file.recognise(tiny_starcoder2)
    mounts = f"36 35 0:9 / {tiny_starcoder2.parent} rw - nfs4 server:/a rw"

    async def ask(mount: str) -> None:
        await asyncio.Event().wait()

    seconds = iter(range(1000))
    disks = NetworkDisks(lambda: mounts, ask, lambda: float(next(seconds)))
    monkeypatch.setattr(own_file, "DISKS", disks)
    own_file.known(tiny_starcoder2)
    monkeypatch.setattr(own_file, "_stamp", None)
    assert own_file.known(tiny_starcoder2) == found


async def test_a_refused_file_is_read_again_after_some_seconds(tmp_path: Path) -> None:
    path, now = tmp_path / "a.gguf", 0.0
    files, read = OwnFiles(lambda: now), asyncio.Event()
    assert not files.is_known(path, read.set)
    await read.wait()
    with pytest.raises(ModelBroken, match="cannot be read"):
        files.is_known(path, read.set)
    now = RETRY_S
    assert not files.is_known(path, read.set)
    await files.close()
