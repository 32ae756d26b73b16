"""Saved states: whole, ours, bounded, or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from starcoder_lsp.engines.llama.process.kv_files import LEFTOVER_S, KvFiles

MIB = 1 << 20


@pytest.fixture
def states(tmp_path: Path) -> KvFiles:
    return KvFiles(tmp_path / "states", 8 * MIB)


def files(states: KvFiles) -> list[str]:
    return sorted(path.name for path in states._folder.iterdir())


def test_what_was_kept_is_found_under_its_key_alone(states: KvFiles) -> None:
    assert states.find("a") is None
    states.keep("a", [1, 2, 3], b"\0state\n")
    found = states.find("a")
    assert found is not None
    assert (found[0], bytes(found[1])) == ([1, 2, 3], b"\0state\n")
    assert states.find("b") is None
    (path,) = states._folder.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert states._folder.stat().st_mode & 0o777 == 0o700


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut": lambda raw: raw[: len(raw) // 2],
    "one byte less": lambda raw: raw[:-1],
    "one byte more": lambda raw: raw + b"x",
    "a bit flipped": lambda raw: raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:],
    "another format": lambda raw: raw.replace(b'"format": 2', b'"format": 1'),
    "of another model": lambda raw: raw.replace(b'"key": "a"', b'"key": "b"'),
    "a pickle": lambda raw: b"\x80\x02}q\x00.",
    "no header": lambda raw: b"[]\n" + raw,
    "another number of tokens": lambda raw: raw.replace(b'"n_tokens": 3', b'"n_tokens": 2'),
    "more tokens than bytes": lambda raw: raw.replace(b'"n_tokens": 3', b'"n_tokens": 9'),
    "no number of tokens": lambda raw: raw.replace(b'"n_tokens": 3', b'"n_tokens": x'),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_not_as_it_was_written_is_deleted(
    states: KvFiles, damage: str
) -> None:
    states.keep("a", [1, 2, 3], b"state")
    (path,) = states._folder.iterdir()
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert states.find("a") is None
    assert files(states) == []


def test_what_ended_the_process_that_read_it_is_not_read_again(states: KvFiles) -> None:
    states.keep("a", [1, 2, 3], b"state")
    states.set_aside("a")
    assert states.find("a") is None
    states.put_back("a")
    assert states.find("a") is not None


def test_a_link_is_not_followed(states: KvFiles, tmp_path: Path) -> None:
    states.keep("a", [1], b"state")
    (path,) = states._folder.iterdir()
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert states.find("a") is None
    assert (tmp_path / "elsewhere").exists()


def test_the_oldest_go_when_all_together_are_too_large(states: KvFiles) -> None:
    for age, key in enumerate("cba"):
        states.keep(key, [1], bytes(3 * MIB))
        os.utime(states._folder / f"{key}.kv", (age, age))
    states.keep("d", [1], bytes(3 * MIB))
    assert files(states) == ["a.kv", "d.kv"]


def test_a_state_replaces_its_own_older_one(states: KvFiles) -> None:
    for _ in range(3):
        states.keep("a", [1], bytes(7 * MIB))
    assert files(states) == ["a.kv"]


def test_when_nothing_is_to_be_kept_what_there_is_goes(states: KvFiles) -> None:
    states.keep("a", [1], b"state")
    assert KvFiles(states._folder, 0).find("a") is None
    assert files(states) == []


def test_what_a_killed_process_left_half_written_goes_after_a_while(
    states: KvFiles,
) -> None:
    states.keep("a", [1], b"state")
    for name, age_s in (("old", LEFTOVER_S + 60), ("new", 0)):
        path = states._folder / f".a.kv.{name}"
        path.write_bytes(b"half")
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age_s))
    states.find("a")
    assert files(states) == [".a.kv.new", "a.kv"]
