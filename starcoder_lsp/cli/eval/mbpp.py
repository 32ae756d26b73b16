"""`starcoder-lsp eval mbpp`: functions written from a sentence, judged by tests."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval import evaluation, program_runs
from starcoder_lsp.cli.eval.journal import Journal
from starcoder_lsp.cli.eval.measures.programs import mbpp_task, verdicts_of
from starcoder_lsp.cli.eval.rows import read_rows, read_text

# The test split: https://github.com/google-research/google-research/tree/master/mbpp.
TEST_IDS = range(11, 511)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, help="mbpp.jsonl, or the sanitized set (JSON or JSON lines)"
    )
    parser.add_argument(
        "--all", action="store_true", help="use all tasks, not only the test split"
    )
    parser.add_argument(
        "--verdicts",
        type=Path,
        metavar="FILE",
        help="compare with the base tests in an EvalPlus file of results",
    )
    program_runs.add_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    evaluation.show(measure(parsed), parsed)
    return 0


def measure(parsed: argparse.Namespace) -> dict[str, Any]:
    rows = [
        row
        for row in read_rows(parsed.file)
        if parsed.all or parsed.samples or row.get("task_id") in TEST_IDS
    ]
    figures, journal = program_runs.run(
        "mbpp", [mbpp_task(row) for row in rows], parsed
    )
    if parsed.verdicts:
        figures |= _compared(parsed.verdicts, journal)
    return figures


def _compared(file: Path, journal: Journal) -> dict[str, Any]:
    """Count the tasks with the recorded verdict, and name the others."""
    recorded = verdicts_of(json.loads(read_text(file)))
    ours = program_runs.passed_by_task(journal)
    common = [name for name in ours if name in recorded]
    differ = [name for name in common if list(ours[name]) != list(recorded[name])]
    return {
        "n_compared": len(common),
        "same_verdict": len(common) - len(differ),
        "differ": differ,
    }
