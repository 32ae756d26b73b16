"""Baselines for contexts: simple searches over windows of lines."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from starcoder_lsp.cli.eval.measures.context_recall import index_of
from starcoder_lsp.cli.eval.measures.next_line_tasks import NextLineTask, names_in
from starcoder_lsp.context.index.chunks import terms

WINDOW_LINES = 10
QUERY_LINES = 5
# Usual parameters of BM25, see https://en.wikipedia.org/wiki/Okapi_BM25.
K1, B = 1.5, 0.75
SPARE_CHARACTERS = 30


class Windows:
    """BM25 over windows of `WINDOW_LINES` lines of all files of a repository."""

    def __init__(self, root: Path) -> None:
        index = index_of(root)
        self.windows = [
            (path, "\n".join(lines[i : i + WINDOW_LINES]))
            for path in index.paths()
            for lines in [index.text(path).removesuffix("\n").split("\n")]
            for i in range(0, len(lines), WINDOW_LINES)
        ]
        self._found: defaultdict[str, list[int]] = defaultdict(list)
        self._lengths = []
        for i, (_, text) in enumerate(self.windows):
            words = terms(text)
            self._lengths.append(len(words))
            for word in words:
                self._found[word].append(i)

    def ranked(self, query: str, without: str) -> Iterable[str]:
        """Yield the windows of all files but `without`, the best first."""
        scores: defaultdict[int, float] = defaultdict(float)
        n = len(self.windows)
        usual = sum(self._lengths) / max(n, 1) or 1
        for word in terms(query):
            found = self._found.get(word, [])
            weight = math.log(1 + (n - len(found) + 0.5) / (len(found) + 0.5))
            for i in found:
                length = 1 - B + B * self._lengths[i] / usual
                scores[i] += weight * (K1 + 1) / (1 + K1 * length)
        for i in sorted(scores, key=lambda i: -scores[i]):
            if self.windows[i][0] != without:
                yield self.windows[i][1]


@cache
def _windows_of(root: Path) -> Windows:
    return Windows(root)


def _ranked(task: NextLineTask, repositories: Path) -> Iterable[str]:
    before = task.left.split("\n")[-QUERY_LINES:]
    after = task.right.split("\n")[:QUERY_LINES]
    windows = _windows_of(repositories / task.repository)
    return windows.ranked("\n".join(before + after), task.path)


def nothing(_task: NextLineTask, _repositories: Path, _budget: int) -> str:
    return ""


def official(task: NextLineTask, _repositories: Path, _budget: int) -> str:
    """The context in the row; its path comments make it longer than the budget."""
    return task.official


def window_search(task: NextLineTask, repositories: Path, budget: int) -> str:
    context = ""
    for window in _ranked(task, repositories):
        if len(context) + len(window) > budget:
            break
        context += window + "\n"
    return context


def new_lines(task: NextLineTask, repositories: Path, budget: int) -> str:
    """Lines of the best windows that have a name not seen before."""
    context, known = "", set(names_in(task.left + task.right))
    for window in _ranked(task, repositories):
        for line in window.split("\n"):
            names = names_in(line)
            if names - known and len(context) + len(line) <= budget:
                context += line.strip() + "\n"
                known |= names
        if len(context) > budget - SPARE_CHARACTERS:
            break
    return context


Baseline = Callable[[NextLineTask, Path, int], str]
BASELINES: Mapping[str, Baseline] = {
    "none": nothing,
    "official": official,
    "window_search": window_search,
    "new_lines": new_lines,
}
