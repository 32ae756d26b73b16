"""`starcoder-lsp eval`: measures quality on data; one module per measurement."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from typing import Any

EVALUATIONS: Mapping[str, str] = {
    "all": "run every evaluation whose data is in a folder",
    "humaneval": "complete functions from their head; count passed tests",
    "mbpp": "write functions from a sentence; count passed tests",
    "multipl-e": "complete functions in other languages; count passed tests",
    "context": "measure whether the context holds what the next line needs",
    "infilling": "fill in missing code; count exact matches and passed tests",
    "mine": "fill in what your own repository's last commits added; compare settings",
    "places": "compare what is shown at places in code with what is wanted there",
    "truncation": "apply the rules to recorded output of a model",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    evaluations = parser.add_subparsers(dest="evaluation", required=True)
    for name, summary in EVALUATIONS.items():
        one = evaluations.add_parser(name, help=summary, description=summary)
        module: Any = import_module(f"{__name__}.{name.replace('-', '_')}")
        module.add_arguments(one)
        one.set_defaults(evaluate=module.run)


def run(parsed: argparse.Namespace) -> int:
    status: int = parsed.evaluate(parsed)
    return status
