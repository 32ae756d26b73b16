"""Runs the tests of completed programs: recorded samples, or what a model writes."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval import evaluation, plots, report
from starcoder_lsp.cli.eval.journal import Journal
from starcoder_lsp.cli.eval.measures import programs, sandbox
from starcoder_lsp.cli.eval.measures.programs import PYTHON, ProgramTask
from starcoder_lsp.cli.eval.measures.toolchains import toolchains
from starcoder_lsp.cli.eval.rows import read_rows
from starcoder_lsp.completion.prompt import Family
from starcoder_lsp.engines import Engine
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Limits, Prompt, Text
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings

# Chen et al. 2021 let a model write 512 tokens or fewer for each answer.
USUALLY = {**evaluation.PATIENT, "max_tokens": 512}
# A busy machine may take minutes for them; no setting allows as much.
TIME_BUDGET_MS = 600_000
N_EXAMPLES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--samples",
        type=Path,
        metavar="FILE",
        help="judge recorded answers (JSON lines with task_id and completion or "
        "solution) instead of asking a model",
    )
    evaluation.add_row_arguments(parser)
    evaluation.add_output_arguments(parser)


def run(
    name: str, tasks: list[ProgramTask], parsed: argparse.Namespace
) -> tuple[dict[str, Any], Journal]:
    """Judge the tasks; return the figures and the result of each sample."""
    tasks = evaluation.chosen(tasks, parsed)
    settings = evaluation.settings_of(parsed, USUALLY)
    samples = None
    if parsed.samples:
        samples = programs.samples_of(read_rows(parsed.samples))
        tasks = [task for task in tasks if task.name in samples]
        if not tasks:
            raise ConfigError(f"{parsed.samples} has no sample for any of the tasks")
    source = evaluation.digest(samples) if samples else str(settings)
    measured = {"evaluation": name, "tasks": evaluation.digest(tasks), "source": source}
    journal = Journal(parsed.results, measured)
    if samples:
        asyncio.run(_judge_samples(tasks, samples, journal))
    else:
        asyncio.run(_judge_model(tasks, settings, journal))
    figures = {
        "model": str(parsed.samples) if samples else settings.engine.model,
        **programs.summary(passed_by_task(journal)),
    }
    if parsed.report:
        page = page_of(name, figures, tasks, journal)
        report.write(parsed.report, page)
    return figures, journal


def passed_by_task(journal: Journal) -> Mapping[str, Sequence[bool]]:
    """Return which samples of each task passed."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for entry in journal.entries.values():
        found[entry["task"]].append(entry["fault"] is None)
    return found


async def _judge_samples(
    tasks: Iterable[ProgramTask], samples: Mapping[str, Sequence[str]], journal: Journal
) -> None:
    """Run all samples, as many at a time as there are cores."""
    waiting = [
        (f"{task.name}#{number}", task, text)
        for task in tasks
        for number, text in enumerate(samples[task.name])
    ]
    progress = evaluation.RowProgress(len(waiting), len(journal.entries))
    core = asyncio.Semaphore(os.cpu_count() or 1)

    async def judge(key: str, task: ProgramTask, text: str) -> None:
        async with core:
            fault = await fault_of(task, text)
        journal.add(key, {"task": task.name, "text": text, "fault": fault})
        progress.step()

    async with asyncio.TaskGroup() as group:
        for key, task, text in waiting:
            if key not in journal.entries:
                group.create_task(judge(key, task, text))


async def _judge_model(
    tasks: Sequence[ProgramTask], settings: Settings, journal: Journal
) -> None:
    left = [task for task in tasks if task.name not in journal.entries]
    if not left:
        return
    progress = evaluation.RowProgress(len(tasks), len(tasks) - len(left))
    async with evaluation.engine_of(settings) as engine:
        family = assemble.family_of(settings.engine)
        limits = replace(settings.limits, time_budget_ms=TIME_BUDGET_MS)
        async for task, text, took_ms in _written(engine, family, limits, left):
            entry = {"task": task.name, "text": text, "ms": took_ms}
            journal.add(task.name, {**entry, "fault": await fault_of(task, text)})
            progress.step()


async def _written(
    engine: Engine, family: Family, limits: Limits, tasks: Iterable[ProgramTask]
) -> AsyncIterator[tuple[ProgramTask, str, float]]:
    """Yield each task, the likeliest text up to a stop, and the milliseconds it took."""
    for task in tasks:
        started = time.perf_counter()
        text = await written(engine, family, limits, task)
        yield task, text, round((time.perf_counter() - started) * 1000, 1)


async def written(
    engine: Engine, family: Family, limits: Limits, task: ProgramTask
) -> str:
    """Return the likeliest text behind the prompt of a task, up to a stop.

    The line end of the prompt is held back, because it may be a part of a longer token.
    """
    body = task.prompt.rstrip("\n")
    prompt = Prompt((Text(body, "start"),), task.prompt[len(body) :], family.stops)
    raw = ""
    async with aclosing(engine.generate(prompt, limits)) as pieces:
        async for piece in pieces:
            raw += piece.text
            if len(cut := task.cut(raw)) < len(raw):
                return cut
    return raw


async def fault_of(task: ProgramTask, text: str) -> str | None:
    """Return why the program of an answer does not pass; None if it does."""
    program = task.program(text)
    if task.language == PYTHON:
        return await sandbox.fault_of_python(program)
    return await toolchains()[task.language].fault_of(program)


def page_of(
    name: str,
    figures: Mapping[str, Any],
    tasks: Sequence[ProgramTask],
    journal: Journal,
) -> report.ReportPage:
    """The report: shares by language, times of passed and failed tasks, and failures."""
    by_name = {task.name: task for task in tasks}
    entries = list(journal.entries.values())
    shares: defaultdict[str, list[bool]] = defaultdict(list)
    for entry in entries:
        shares[by_name[entry["task"]].language].append(entry["fault"] is None)
    figures_drawn = [plots.bars("Passed, by language", shares)]
    timed = [(one["ms"], one["fault"] is None) for one in entries if "ms" in one]
    if timed:
        figures_drawn.append(
            plots.by_latency("Passed, by the time of the answer", timed)
        )
    examples = [
        report.Example(
            one["task"],
            {
                "prompt": by_name[one["task"]].prompt,
                "answer": one["text"],
                "fault": one["fault"],
            },
        )
        for one in entries
        if one["fault"] is not None
    ]
    return report.ReportPage(
        f"eval {name}", figures, figures_drawn, examples[:N_EXAMPLES]
    )
