"""`starcoder-lsp eval multipl-e`: HumanEval in the languages that this machine can run."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval import evaluation, program_runs
from starcoder_lsp.cli.eval.measures import programs
from starcoder_lsp.cli.eval.measures.programs import ProgramTask, multipl_e_task
from starcoder_lsp.cli.eval.measures.toolchains import toolchains
from starcoder_lsp.cli.eval.rows import read_rows
from starcoder_lsp.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data", type=Path, help="a file of MultiPL-E, or a folder of such files"
    )
    program_runs.add_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    evaluation.show(measure(parsed), parsed)
    return 0


def measure(parsed: argparse.Namespace) -> dict[str, Any]:
    tasks = read_tasks(parsed.data, parsed)
    missing = asyncio.run(_missing({task.language for task in tasks}))
    usable = [task for task in tasks if task.language not in missing]
    if not usable:
        raise ConfigError(
            "no language of the data can be run here:\n"
            + "\n".join(f"{name}: {why}" for name, why in missing.items())
        )
    # The rows are chosen already, in each language.
    parsed.every, parsed.limit = 1, None
    figures, journal = program_runs.run("multipl-e", usable, parsed)
    by_task = program_runs.passed_by_task(journal)
    for language in sorted({task.language for task in usable}):
        own = {k: v for k, v in by_task.items() if k.startswith(f"{language}/")}
        figures[language] = programs.summary(own)
    return {**figures, "skipped": missing}


def read_tasks(data: Path, parsed: argparse.Namespace) -> list[ProgramTask]:
    """Read the tasks of all files, `--every` and `--limit` of each."""
    files = sorted(data.glob("humaneval-*.jsonl")) if data.is_dir() else [data]
    tasks: list[ProgramTask] = []
    for file in files:
        rows = [row for row in read_rows(file) if "language" in row]
        tasks += [multipl_e_task(row) for row in evaluation.chosen(rows, parsed)]
    if not tasks:
        raise ConfigError(f"{data} holds no rows of MultiPL-E")
    return tasks


async def _missing(languages: set[str]) -> dict[str, str]:
    """Return why each language that cannot be run here is left out."""
    found = {}
    for name in sorted(languages):
        chain = toolchains().get(name)
        why = await chain.missing() if chain else "toolchains.toml has no row for it"
        if why is not None:
            found[name] = why
    return found
