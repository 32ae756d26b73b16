"""`starcoder-lsp eval`: measure quality on data; one module per question."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from typing import Any

EVALUATIONS: Mapping[str, str] = {
    "context": "is what the next line needs in the context?",
    "infilling": "fill in what is missing: exact matches, and programs that run",
    "truncation": "what the rules make of recorded model output",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    evaluations = parser.add_subparsers(dest="evaluation", required=True)
    for name, summary in EVALUATIONS.items():
        one = evaluations.add_parser(name, help=summary, description=summary)
        module: Any = import_module(f"starcoder_lsp.cli.eval.{name}")
        module.add_arguments(one)
        one.set_defaults(evaluate=module.run)


def run(parsed: argparse.Namespace) -> int:
    status: int = parsed.evaluate(parsed)
    return status
