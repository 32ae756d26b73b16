"""Ignore patterns mean what they mean to git."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starcoder_lsp.context.files import gitignore
from starcoder_lsp.context.files.gitignore import Patterns, TooManyPatterns

GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")

PIECES = ("a", "b", "*", "**", "?", "/", "[ab]", "[!a]", "\\", "!", " ", "#", "é", "[", "]", "-", "[[:alpha:]]", "***", "^", ":", "[:", ":]", "z-a", "\t", "\r")  # fmt: skip
LINES = st.lists(st.sampled_from(PIECES), max_size=7).map("".join)
NAMES = st.sampled_from(("a", "b", "ab", "é", "#", "a b", "]", "[", "-", "!a", "^", ":", "z", "a ", "a\r"))  # fmt: skip
RULES = st.lists(LINES, max_size=4).map("\n".join)


def is_ignored(pattern: str, path: str, *, is_directory: bool = False) -> bool | None:
    end = "/" if is_directory else ""
    name = path.rpartition("/")[2]
    patterns = Patterns(pattern.encode())
    return patterns.decide((name + end).encode(), (path + end).encode())


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("*.log", "a/b.log", True),
        ("*.log\n!b.log", "a/b.log", False),
        ("/b", "a/b", None),
        ("a/b", "x/a/b", None),
        ("a/**", "a/x/y", True),
        ("**/b", "b", True),
        ("a/**/b", "a/b", True),
        ("b ", "b", True),
        ("b\\ ", "b ", True),
        ("b\r", "b", True),
        ("# b", "# b", None),
        ("\\#b", "#b", True),
        ("[a", "[a", None),
        ("[z-a]", "b", None),
        ("[z-a]", "z", True),
        ("[[:a]b:]", "ab:]", True),
        ("[[:digit:]]", "1", True),
        ("a b***", "a b", True),
        ("/b***/***", "b", True),
        ("\ufeffb", "b", True),
    ],
)
def test_patterns_match_as_in_git(pattern: str, path: str, wanted: bool | None) -> None:
    assert is_ignored(pattern, path) is wanted


def test_a_pattern_for_the_content_of_a_directory_does_not_match_the_directory() -> (
    None
):
    patterns = Patterns(b"build/*\n!build/keep/")
    assert patterns.decide(b"build/", b"build/") is None
    assert patterns.decide(b"x.py", b"build/x.py") is True
    assert patterns.decide(b"keep/", b"build/keep/") is False


def test_a_pattern_with_a_final_slash_matches_only_directories() -> None:
    assert is_ignored("build/", "build") is None
    assert is_ignored("build/", "build", is_directory=True)


def test_a_file_of_ten_thousand_names_is_read_quickly() -> None:
    many = "\n".join(f"name{n}" for n in range(10_000))
    assert is_ignored(many, "a/name9999")


def test_a_file_of_ten_thousand_wildcards_is_refused() -> None:
    with pytest.raises(TooManyPatterns):
        Patterns(b"*a\n" * 10_000)


@pytest.mark.parametrize(
    ("hostile", "plain", "path"),
    [("*a" * 8 + "*b", "*b", "a" * 30), ("/**/a" * 8 + "/b", "**/b", "a/" * 30 + "a")],
)
def test_no_pattern_takes_long(hostile: str, plain: str, path: str) -> None:
    """Measured against one that asks as much once; a bad one takes 100,000 times that."""
    ours, measure = (
        min(_seconds(Patterns(one.encode()), path.encode()) for _ in range(5))
        for one in (hostile, plain)
    )
    assert ours < 1000 * measure


def _seconds(rules: Patterns, path: bytes) -> float:
    started = time.perf_counter()
    assert rules.decide(path.rpartition(b"/")[2], path) is None
    return time.perf_counter() - started


def test_rules_ignore_case_if_the_file_system_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gitignore, "CASE", re.IGNORECASE)
    for rule in ("Hidden.py", "/HIDDEN.py", "*DDEN.PY"):
        assert is_ignored(rule, "hidden.PY")


@needs_git
@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(RULES, NAMES), min_size=1, max_size=40))
def test_random_patterns_match_as_in_git(cases: list[tuple[str, str]]) -> None:
    """Each case is an ignore file in a directory of its own, and the name of an entry.

    A walk asks about parents on their own, so that only entries beside the file are
    compared here; test_walk.py compares whole trees.
    """
    for (rules, name), theirs in zip(cases, _decided_by_git(cases), strict=True):
        assert is_ignored(rules, name) is theirs, (rules, name)


def _decided_by_git(cases: list[tuple[str, str]]) -> list[bool | None]:
    assert GIT is not None
    with TemporaryDirectory() as folder:
        subprocess.run([GIT, "init", "-q", folder], check=True)
        for number, (rules, _) in enumerate(cases):
            Path(folder, str(number)).mkdir()
            Path(folder, str(number), ".gitignore").write_bytes(rules.encode())
        paths = [f"{number}/{name}" for number, (_, name) in enumerate(cases)]
        done = subprocess.run(
            [GIT, "check-ignore", "--no-index", "-z", "--stdin", "--verbose", "--non-matching"],
            input="".join(f"{path}\0" for path in paths).encode(), capture_output=True,
            cwd=folder, check=False,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        )  # fmt: skip
    fields = done.stdout.decode().split("\0")[:-1]
    assert fields[3::4] == paths
    return [not one.startswith("!") if one else None for one in fields[2::4]]
