"""A glance finds every change that a walk would find, and nothing else."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workspace import plant

from starcoder_lsp.context.files import walk as walks
from starcoder_lsp.context.files.glance import NEEDS_WALK, Glance, glance
from starcoder_lsp.context.files.walk import Bounds, FoundFile, Walk

FILES = {"a.py": "a = 1\n", "pkg/b.py": "b = 1\n", "pkg/sub/c.py": "c = 1\n"}
# Longer than the clock of the file system needs to go on.
TICK_S = 0.02


@pytest.fixture(autouse=True)
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory counts as at rest, and its stamp as certain, after one tick."""
    monkeypatch.setattr(walks, "RACY_S", TICK_S)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return plant(tmp_path / "w", FILES)


def walked(root: Path, **bounds: int) -> Walk:
    """Walk over a root that has rested."""
    time.sleep(2 * TICK_S)
    walk = Walk(str(root), (), Bounds(**bounds))
    list(walk)
    return walk


def changed(seen: Glance) -> list[str]:
    assert not seen.needs_walk
    return [found.relative for found in seen.changed]


def test_a_glance_without_changes_finds_nothing(root: Path) -> None:
    walk = walked(root)
    assert glance(walk) == glance(walk) == Glance([], needs_walk=False)


def test_a_changed_file_is_found_once(root: Path) -> None:
    walk = walked(root)
    plant(root, {"pkg/b.py": "b = 2\n"})
    status = (root / "pkg/b.py").stat()
    seen = glance(walk)
    assert seen.changed == [FoundFile("pkg/b.py", 6, walks.stamp_of(status))]
    assert changed(glance(walk)) == []


def test_a_changed_file_is_found_even_if_its_time_is_set_back(root: Path) -> None:
    walk = walked(root)
    status = (root / "a.py").stat()
    plant(root, {"a.py": "a = 2\n"})
    os.utime(root / "a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert changed(glance(walk)) == ["a.py"]


NEED_WALK: dict[str, Callable[[Path], object]] = {
    "a new file": lambda root: plant(root, {"pkg/sub/new.py": "x = 1\n"}),
    "a new directory": lambda root: plant(root, {"new/d.py": "x = 1\n"}),
    "a file that goes": lambda root: (root / "a.py").unlink(),
    "a file that is renamed": lambda root: (root / "a.py").rename(root / "z.py"),
    "a directory that goes": lambda root: (root / "pkg").rename(root.parent / "pkg"),
    "a root that goes": lambda root: root.rename(root.parent / "elsewhere"),
    "a rule": lambda root: plant(root, {".gitignore": "b.py\n"}),
    "a rule of the repository": lambda root: plant(root, {".git/info/exclude": "b.py\n"}),
    "a file that is emptied": lambda root: plant(root, {"a.py": ""}),
    "a file that gets too large": lambda root: plant(root, {"a.py": "x" * 1_000_001}),
    "a directory that cannot be entered": lambda root: (root / "pkg").chmod(0),
}  # fmt: skip


@pytest.fixture
def readable_again(root: Path) -> Iterator[None]:
    yield
    if (root / "pkg").exists():
        (root / "pkg").chmod(0o700)


@pytest.mark.usefixtures("readable_again")
@pytest.mark.parametrize("change", NEED_WALK)
def test_changes_that_a_glance_cannot_describe_need_a_walk(
    root: Path, change: str
) -> None:
    walk = walked(root)
    NEED_WALK[change](root)
    assert glance(walk) == NEEDS_WALK


def test_rules_changed_in_place_need_a_walk(root: Path) -> None:
    plant(root, {"pkg/.cursorignore": "b.py\n", ".git/info/exclude": "b.py\n"})
    for rules in ("pkg/.cursorignore", ".git/info/exclude"):
        walk = walked(root)
        plant(root, {rules: "c.py\n"})
        assert glance(walk) == NEEDS_WALK


def test_changed_rules_above_the_root_and_of_the_user_need_a_walk(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    plant(tmp_path, {".git/config": ""})
    for rules in (".gitignore", "config/git/ignore"):
        walk = walked(root)
        plant(tmp_path, {rules: "b.py\n"})
        assert glance(walk) == NEEDS_WALK


def test_a_file_that_is_no_longer_empty_is_found(root: Path) -> None:
    plant(root, {"a.py": ""})
    walk = walked(root)
    plant(root, {"a.py": "a = 1\n"})
    assert changed(glance(walk)) == ["a.py"]


def test_changes_of_hidden_files_are_ignored(root: Path) -> None:
    plant(root, {".gitignore": "build/\n*.log\n", "build/x.py": "", "x.log": ""})
    walk = walked(root)
    plant(root, {"build/y.py": "y = 1\n", "x.log": "more\n"})
    assert changed(glance(walk)) == []


def test_a_directory_that_has_just_changed_needs_a_walk(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "RACY_S", 3600.0)
    assert glance(walked(root)) == NEEDS_WALK


def test_after_a_limited_walk_only_its_files_are_compared(root: Path) -> None:
    walk = walked(root, max_files=1)
    plant(root, {"a.py": "a = 2\n", "pkg/b.py": "b = 2\n"})
    assert changed(glance(walk)) == ["a.py"]


def write(root: Path, chance: random.Random) -> None:
    name = chance.choice(["a.py", "pkg/b.py", "pkg/new.py", "deep/er/d.py"])
    plant(root, {name: f"x = {chance.random()}\n"})


def delete(root: Path, chance: random.Random) -> None:
    plant(root, {chance.choice(["a.py", "pkg/b.py", "pkg/new.py"]): None})


def move(root: Path, chance: random.Random) -> None:
    for one, other in (("pkg", "moved"), ("moved", "pkg")):
        if (root / one).exists() and not (root / other).exists():
            (root / one).rename(root / other)
            return


def rule(root: Path, chance: random.Random) -> None:
    plant(root, {".gitignore": chance.choice(["", "a.py\n", "pkg/\n", "*.py\n"])})


def rest(root: Path, chance: random.Random) -> None: ...


@pytest.mark.parametrize("seed", range(5))
def test_after_any_changes_glances_and_walks_find_the_same_as_a_new_walk(
    root: Path, seed: int
) -> None:
    chance = random.Random(seed)
    walk = walked(root)
    known = {found.relative: found for found in walked(root)}
    for _ in range(30):
        chance.choice((write, write, delete, move, rule, rest))(root, chance)
        if (seen := glance(walk)).needs_walk:
            walk = Walk(str(root))
            known = {found.relative: found for found in walk}
        known.update((found.relative, found) for found in seen.changed)
        assert known == {found.relative: found for found in Walk(str(root))}
