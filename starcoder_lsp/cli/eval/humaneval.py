"""`starcoder-lsp eval humaneval`: functions completed from their head, judged by tests."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval import evaluation, program_runs
from starcoder_lsp.cli.eval.measures.programs import humaneval_task
from starcoder_lsp.cli.eval.rows import read_rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="HumanEval.jsonl.gz")
    program_runs.add_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    evaluation.show(measure(parsed), parsed)
    return 0


def measure(parsed: argparse.Namespace) -> dict[str, Any]:
    tasks = [humaneval_task(row) for row in read_rows(parsed.file)]
    figures, _ = program_runs.run("humaneval", tasks, parsed)
    return figures
