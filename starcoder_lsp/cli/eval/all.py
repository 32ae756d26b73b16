"""`starcoder-lsp eval all`: every evaluation whose data is in a folder, in one run."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval import (
    context,
    evaluation,
    humaneval,
    infilling,
    mbpp,
    mine,
    multipl_e,
    places,
    report,
    truncation,
)
from starcoder_lsp.cli.flags import add_option_flags, flag_layer
from starcoder_lsp.errors import StarcoderError


@dataclass(frozen=True)
class Measurement:
    """One evaluation: the path of its data below the folder, and its arguments.

    In an argument, {data} is the file or folder that was found, {folder} the one it is
    in, and {repository} the user's own. `quick` are the arguments of a short run.
    """

    evaluation: Any
    data: str
    arguments: Sequence[str] = ("{data}",)
    quick: Sequence[str] = ()
    has_model: bool = True


MEASUREMENTS: Mapping[str, Measurement] = {
    "infilling": Measurement(
        infilling,
        "HumanEval-SingleLineInfilling.jsonl.gz",
        ("{data}", "--automatic", "--execute"),
        ("--every", "16"),
    ),
    "infilling, several lines": Measurement(
        infilling,
        "HumanEval.jsonl.gz",
        ("{data}", "--automatic", "--execute", "--cut", "multi-line"),
        ("--every", "40"),
    ),
    "infilling, random spans": Measurement(
        infilling,
        "HumanEval.jsonl.gz",
        ("{data}", "--automatic", "--execute", "--cut", "random-span"),
        ("--every", "8"),
    ),
    "humaneval": Measurement(
        humaneval, "HumanEval.jsonl.gz", quick=("--every", "10", "--max-tokens", "256")
    ),
    "mbpp": Measurement(
        mbpp, "mbpp.jsonl", quick=("--every", "30", "--max-tokens", "256")
    ),
    "multipl-e": Measurement(
        multipl_e, "multipl-e", quick=("--limit", "2", "--max-tokens", "128")
    ),
    "truncation": Measurement(
        truncation,
        "StarCoder-1B/**/result_line_completion_rg1_bm25.jsonl",
        ("{data}", "--language", "python"),
        has_model=False,
    ),
    "places": Measurement(places, "postprocess/places.jsonl", has_model=False),
    "context": Measurement(
        context,
        "cceval/rows.jsonl",
        ("{data}", "--root", "{folder}/repos", "--json"),
        has_model=False,
    ),
    "mine": Measurement(mine, "", ("{repository}",), ("--rows", "12")),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        type=Path,
        help="a folder with data sets under their usual names; others are left out",
    )
    parser.add_argument(
        "--repository", type=Path, help="also measure your own repository: `eval mine`"
    )
    parser.add_argument(
        "--quick", action="store_true", help="use a few rows of each, about ten minutes"
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FOLDER",
        help="keep the results of each row in FOLDER, and continue from there",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a page with all figures (HTML)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    figures: dict[str, Any] = {}
    if parsed.results:
        parsed.results.mkdir(parents=True, exist_ok=True)
    for name, one in MEASUREMENTS.items():
        started = time.monotonic()
        found = _measured(name, one, parsed)
        figures[name] = found
        minutes = (time.monotonic() - started) / 60
        print(f"{name}: {minutes:.1f} minutes", file=sys.stderr, flush=True)
    if parsed.report:
        report.write(parsed.report, report.ReportPage("eval all", figures))
    evaluation.show(figures, parsed)
    return 0


def _measured(name: str, one: Measurement, parsed: argparse.Namespace) -> Any:
    """Return the figures of one evaluation, or why there are none."""
    data = _find(parsed.data, one.data) if one.data else parsed.repository
    if data is None:
        lacks = f"{parsed.data} holds no {one.data}" if one.data else "no --repository"
        return f"left out: {lacks}"
    arguments = [
        argument.format(data=data, folder=data.parent, repository=parsed.repository)
        for argument in (*one.arguments, *(one.quick if parsed.quick else ()))
    ]
    if one.has_model and parsed.results:
        file = parsed.results / f"{name.replace(', ', '-').replace(' ', '-')}.jsonl"
        arguments += ["--results", str(file)]
    parser = argparse.ArgumentParser(prog=f"starcoder-lsp eval {name}")
    one.evaluation.add_arguments(parser)
    own = parser.parse_args(arguments)
    if one.has_model:
        _pass_on(parsed, own)
    measure: Callable[[argparse.Namespace], dict[str, Any]] = one.evaluation.measure
    try:
        return measure(own)
    except StarcoderError as exc:
        return f"left out: {exc}"


def _find(folder: Path, pattern: str) -> Path | None:
    return next(iter(sorted(folder.glob(f"**/{pattern}"))), None)


def _pass_on(parsed: argparse.Namespace, own: argparse.Namespace) -> None:
    """Give an evaluation the options that were given to all, unless it sets them itself."""
    for option in flag_layer(parsed).values:
        if getattr(own, option, None) is None:
            setattr(own, option, getattr(parsed, option))
