"""Reads tasks that ask for the next line in a real repository, in two formats.

CrossCodeEval (https://arxiv.org/abs/2310.11248) rows hold their text; rows of cross-file
tasks name a file, a line and the definition it needs, and the text comes from the source.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starcoder_lsp.errors import ConfigError
from starcoder_lsp.languages.lines import indentation

NAME = re.compile(r"[A-Za-z_]\w*")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\d+")
# Words that say nothing about a project; the cross-file tasks were scored so.
COMMON = frozenset(keyword.kwlist) | frozenset(
    (
        *("self", "cls", "int", "str", "float", "bool", "list", "dict", "None"),
        *("True", "False", "len", "print", "range", "isinstance", "super", "type"),
        *("Any", "Optional", "List", "Dict"),
    )
)
# In cross-file tasks the prompt is assumed to show this many lines on either side.
SHOWN_LINES = 60


@dataclass(frozen=True)
class NextLineTask:
    """A place, the line that was written there, and the names in it that matter.

    `shown_from` and `shown_to` are the offsets between which the prompt shows the
    document without the gold line; `known` are the names in that part. `definition` is
    a path and the first part of a definition that the context should show; `official`
    is the context in the row.
    """

    repository: str
    path: str
    left: str
    right: str
    gold: str
    needed: frozenset[str]
    known: frozenset[str] = frozenset()
    shown_from: int = 0
    shown_to: int | None = None
    definition: tuple[str, str] | None = None
    official: str = ""


def names_in(text: str) -> frozenset[str]:
    """The identifiers of a text without keywords, as CrossCodeEval counts them."""
    return frozenset(NAME.findall(text)) - frozenset(keyword.kwlist)


def read_tasks(data: Path, repositories: Path) -> list[NextLineTask]:
    """Read the tasks of a file of JSON lines, or of all such files in a folder.

    Raises ConfigError with the file and the line that is not a task.
    """
    files = sorted(data.glob("*.jsonl")) if data.is_dir() else [data]
    tasks = [task for file in files for task in _tasks_of(file, repositories)]
    if not tasks:
        raise ConfigError(f"{data} holds no tasks")
    return tasks


def _tasks_of(file: Path, repositories: Path) -> Iterator[NextLineTask]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as exc:
        raise ConfigError(f"{file} cannot be read: {exc.strerror}") from exc
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            yield _own_text(row) if "groundtruth" in row else _cross(row, repositories)
        except (ValueError, LookupError, TypeError, OSError) as exc:
            raise ConfigError(f"{file}:{number} is no context task: {exc!r}") from exc


def _own_text(row: Mapping[str, Any]) -> NextLineTask:
    where = row["metadata"]
    left, right = row["prompt"], row["right_context"]
    return NextLineTask(
        where["repository"],
        where["file"],
        left,
        right,
        row["groundtruth"],
        needed=names_in(row["groundtruth"]),
        known=names_in(left + right),
        official=row["crossfile_context"]["text"],
    )


def _cross(row: Mapping[str, Any], repositories: Path) -> NextLineTask:
    root = repositories / row["repo"]
    lines = (root / row["path"]).read_text("utf-8").split("\n")
    at = row["line"] - 1
    gold = lines[at]
    indent = indentation(gold)
    above, below = lines[:at], lines[at + 1 :]
    left = "\n".join([*above, indent])
    right = "\n" + "\n".join(below)
    hidden = "\n".join([*above[:-SHOWN_LINES], ""])
    shown = [*above[-SHOWN_LINES:], *below[:SHOWN_LINES]]
    shown += [line for line in above[:SHOWN_LINES] if "import" in line]
    known = frozenset(WORD.findall("\n".join(shown)))
    return NextLineTask(
        row["repo"],
        row["path"],
        left,
        right,
        gold.strip(),
        needed=frozenset(word for word in WORD.findall(gold) if _counts(word)) - known,
        shown_from=len(hidden),
        shown_to=len(left) + 1 + len("\n".join(below[:SHOWN_LINES])),
        definition=_definition(row, root),
    )


def _counts(word: str) -> bool:
    return len(word) > 1 and word not in COMMON and not word.isdigit()


def _definition(row: Mapping[str, Any], root: Path) -> tuple[str, str]:
    """The path of the gold symbol's definition, and its text up to just after the name."""
    symbol, (first, last) = row["gold_symbol"], row["gold_span"]
    lines = (root / row["gold_path"]).read_text("utf-8").split("\n")[first - 1 : last]
    head = next(line for line in lines if re.search(rf"\b{re.escape(symbol)}\b", line))
    head = head.strip()
    end = head.index(symbol) + len(symbol) + 2
    return row["gold_path"], squeezed(head[:end])


def squeezed(text: str) -> str:
    return " ".join(text.split())
