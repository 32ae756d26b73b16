"""Measures how many names that the next line needs are in the context, without a model."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import mean, quantiles

from starcoder_lsp.cli.eval.measures.next_line_tasks import NAME, NextLineTask, squeezed
from starcoder_lsp.context.files.reading import read_regular
from starcoder_lsp.context.files.unwanted import MAX_FILE_BYTES
from starcoder_lsp.context.files.walk import Walk
from starcoder_lsp.context.index.reader import Index, index_in_memory
from starcoder_lsp.context.retrieve.gather import SOURCES, gather
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.syntax import parse
from starcoder_lsp.flow import Snippet
from starcoder_lsp.languages import language_of

PARSE_BUDGET_MS = 2000


@dataclass(frozen=True)
class Answer:
    """The context of one task, and how much of what the line needs is in it.

    `recall` is None if the line needs no names, `has_definition` if the task names no
    definition.
    """

    task: NextLineTask
    snippets: Sequence[Snippet]
    recall: float | None
    has_definition: bool | None
    query_ms: float


def answers(
    tasks: Iterable[NextLineTask],
    repositories: Path,
    budget_characters: int,
    sources: Collection[str] = SOURCES,
) -> Iterator[Answer]:
    for task in tasks:
        index = index_of(repositories / task.repository)
        on_disk = index.text(task.path)
        scene = open_scene(task, index)
        started = time.perf_counter()
        snippets = gather(scene, index, budget_characters, sources=sources)
        query_ms = (time.perf_counter() - started) * 1000
        # The next task may be in another file, for which this one has its gold line.
        _put(index, task.path, on_disk)
        yield Answer(
            task,
            snippets,
            _recall(task, snippets),
            _has_definition(task, snippets),
            query_ms,
        )


@cache
def index_of(root: Path) -> Index:
    """Index all files that a workspace in `root` would have in its index, in memory."""
    index = index_in_memory()
    for found in Walk(str(root)):
        source, _ = read_regular(str(root / found.relative), MAX_FILE_BYTES)
        _put(index, found.relative, source.decode("utf-8", "replace"))
    return index


def open_scene(task: NextLineTask, index: Index) -> Scene:
    """The task's file as an editor shows it: without the gold line, in the index too."""
    text = task.left + task.right
    _put(index, task.path, text)
    symbols = parse(language_of(Path(task.path)), text.encode(), PARSE_BUDGET_MS)
    return Scene(
        task.path, text, len(task.left), symbols, task.shown_from, task.shown_to
    )


def _put(index: Index, path: str, text: str) -> None:
    symbols = parse(language_of(Path(path)), text.encode(), PARSE_BUDGET_MS)
    index.put(path, text, symbols)


def _recall(task: NextLineTask, snippets: Iterable[Snippet]) -> float | None:
    if not task.needed:
        return None
    shown = {name for each in snippets for name in NAME.findall(each.text)}
    return len(task.needed & (task.known | shown)) / len(task.needed)


def _has_definition(task: NextLineTask, snippets: Iterable[Snippet]) -> bool | None:
    if task.definition is None:
        return None
    path, head = task.definition
    return any(each.path == path and head in squeezed(each.text) for each in snippets)


def summary(results: Sequence[Answer]) -> dict[str, float | int | None]:
    """The figures of a run: shares as fractions, None where no task has a value."""
    recalls = [each.recall for each in results if each.recall is not None]
    covered = [each.has_definition for each in results]
    times = [each.query_ms for each in results]
    cuts = quantiles(times, n=100) if len(times) > 1 else times * 99
    return {
        "n": len(results),
        "identifier_recall": _share(recalls),
        "all_identifiers_present": _share([recall == 1 for recall in recalls]),
        "gold_coverage": _share([each for each in covered if each is not None]),
        "query_ms_p50": round(cuts[49], 2),
        "query_ms_p99": round(cuts[98], 2),
        "mean_characters": round(mean(_characters(each) for each in results)),
    }


def by_repository(
    results: Sequence[Answer],
) -> dict[str, dict[str, float | int | None]]:
    names = sorted({each.task.repository for each in results})
    return {
        name: summary([each for each in results if each.task.repository == name])
        for name in names
    }


def with_prompt_window(task: NextLineTask, n_characters: int) -> NextLineTask:
    """The task for a prompt with `n_characters` before the cursor and none after it."""
    start = max(len(task.left) - n_characters, 0)
    return replace(task, shown_from=start, shown_to=len(task.left))


def _share(values: Sequence[float]) -> float | None:
    return round(mean(values), 4) if values else None


def _characters(answer: Answer) -> int:
    return sum(len(each.path) + len(each.text) + 2 for each in answer.snippets)
