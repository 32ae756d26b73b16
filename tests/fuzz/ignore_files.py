"""Ignore files: any content is read in bounded time, and the last match decides."""

from __future__ import annotations

from random import Random
from typing import Any

from fuzz import values
from starcoder_lsp.context.files.gitignore import Patterns, TooManyPatterns

PIECES = (
    "a", "b", "*", "**", "?", "/", "[ab]", "[!a]", "[a-", "[[:alpha:]]", "[[:x:]]", "[z-a]",
    "\\", "!", " ", "#", "é", "[", "]", "-", "***", "**/", "/**", "\n", "\n", "\r\n",
    "\\ ", "*a", "\x00", "\ufeff", "{a,b}", "(", "+", "$", "^", "|", ".",
)  # fmt: skip
LONG = (
    "*a" * 40,
    "**/" * 40,
    "[a-z]*" * 30,
    "?" * 200,
    "a/" * 200,
    "[!a]" * 50,
    "\\" * 99,
)
NAMES = (
    "a",
    "b",
    "ab",
    "é",
    "#",
    "a b",
    "]",
    "-",
    "!a",
    "a" * 200,
    "ab" * 60,
    ".",
    "\\",
    "\n",
)


def make(random: Random) -> dict[str, Any]:
    content = values.text(random, 30, PIECES)
    if random.random() < 0.2:
        content += random.choice(LONG) * random.choice((1, 1, 20))
    path = "/".join(random.choices(NAMES, k=random.choice((1, 2, 4, 60))))
    line = values.text(random, 4, ("a", "b", "é", "-"))
    is_folder = random.random() < 0.3
    return {"content": content, "more": values.text(random, 10, PIECES), "path": path, "line": line, "is_folder": is_folder}  # fmt: skip


def check(case: dict[str, Any]) -> int:
    path = case["path"] + "/" * case["is_folder"]
    one, both = case["content"], f"{case['content']}\n{case['more']}"
    decided = _decided(case["more"].removeprefix("\ufeff"), path)
    if decided is None:
        decided = _decided(one, path)
    whole = both if not case["more"].startswith("\ufeff") else None
    if whole is not None:
        assert _decided(whole, path) == decided, "the last match does not decide"
    if line := case["line"]:
        last = case["path"].rpartition("/")[2]
        is_same = last == line
        for pattern, ignored in ((line, True), (f"!{line}", False)):
            found = _decided(f"{one}\n{pattern}", path)
            wanted = ignored if is_same else _decided(one, path)
            assert found == wanted, "a plain name means more or less than itself"
    return 1


def _decided(content: str, path: str) -> bool | None:
    name = path[path.rstrip("/").rfind("/") + 1 :]
    try:
        return Patterns(content.encode()).decide(name.encode(), path.encode())
    except TooManyPatterns:
        return None
