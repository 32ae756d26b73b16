"""`starcoder-lsp eval places`: compares suggestions with what is wanted at places."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval import evaluation, plots, report
from starcoder_lsp.cli.eval.journal import Journal
from starcoder_lsp.cli.eval.places import cut, verdicts
from starcoder_lsp.cli.eval.places.verdicts import PlaceOutcome
from starcoder_lsp.cli.eval.rows import Row, read_rows
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings

COLUMNS = ("n", *verdicts.VERDICTS, "new_parse_errors")
RULE_COLUMNS = ("changed", "gained", "lost", "without")
N_EXAMPLES = 20
# The characters before the cursor that the report shows.
SHOWN_BEFORE = 600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, nargs="?", help="a file of JSON lines, gzipped or not"
    )
    parser.add_argument(
        "--make", type=Path, metavar="FOLDER", help="cut places out of a folder of code"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the file for the places of --make"
    )
    parser.add_argument(
        "--number", type=int, default=84, help="places of each language (default: 84)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the seed of --make")
    parser.add_argument(
        "--wrong", type=Path, metavar="FILE", help="write the other places to FILE"
    )
    evaluation.add_row_arguments(parser)
    evaluation.add_output_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    if parsed.make:
        return _make(parsed)
    figures = measure(parsed)
    if parsed.json:
        print(json.dumps(figures))
    else:
        _show(figures)
    return 0


def measure(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a file of places; write what `--wrong` and `--report` want."""
    if parsed.file is None:
        raise ConfigError("name a file of places, or make one with --make FOLDER")
    rows = evaluation.chosen(read_rows(parsed.file), parsed)
    settings = evaluation.settings_of(parsed) if parsed.model else None
    measured = {
        "evaluation": "places",
        "places": evaluation.digest(rows),
        "settings": str(settings) if settings else "the recorded text",
    }
    journal = Journal(parsed.results, measured)
    results = asyncio.run(_outcomes(rows, settings, journal))
    figures = asyncio.run(verdicts.summary(results))
    if parsed.wrong:
        _write(parsed.wrong, [one.as_row() for one in results if not one.is_right])
    if parsed.report:
        report.write(parsed.report, _page(figures, results))
    return figures


async def _outcomes(
    rows: Sequence[Row], settings: Settings | None, journal: Journal
) -> list[PlaceOutcome]:
    """Judge what a model writes; without settings it is the rows' `raw`."""
    progress = evaluation.RowProgress(len(rows), len(journal.entries))
    async with AsyncExitStack() as stack:
        answer = verdicts.recorded
        if settings is not None and len(journal.entries) < len(rows):
            engine = await stack.enter_async_context(evaluation.engine_of(settings))
            answer = _answer_of(assemble.build_completer(settings, engine))
        for number, row in enumerate(rows):
            if str(number) not in journal.entries:
                found = await verdicts.outcome(row, answer)
                journal.add(str(number), found.entry())
                progress.step()
    entries = (journal.entries[str(number)] for number in range(len(rows)))
    return list(map(PlaceOutcome.of_entry, rows, entries))


def _answer_of(completer: Completer) -> verdicts.Answer:
    """Return a function that asks for completions, as a client with ghost text does."""
    style = replace(completer.style, can_replace=True)
    return partial(verdicts.ask, replace(completer, style=style))


def _page(
    figures: Mapping[str, Any], results: Sequence[PlaceOutcome]
) -> report.ReportPage:
    drawn = []
    for column in ("kind", "language"):
        groups: defaultdict[str, list[bool]] = defaultdict(list)
        for one in results:
            groups[str(one.row.get(column, ""))].append(one.is_right)
        drawn.append(plots.bars(f"Right, by {column}", dict(sorted(groups.items()))))
    wrong = [
        report.Example(
            f"{one.row['language']}: {one.verdict}",
            {
                "before": one.row["before"][-SHOWN_BEFORE:],
                "wanted": one.row["wanted"],
                "suggested": one.shown.text,
            },
        )
        for one in results
        if not one.is_right
    ]
    return report.ReportPage("eval places", figures, drawn, wrong[:N_EXAMPLES])


def _make(parsed: argparse.Namespace) -> int:
    if not parsed.out:
        raise ConfigError("--make needs --out FILE")
    rows = cut.cut(parsed.make, parsed.number, parsed.seed)
    _write(parsed.out, rows)
    print(f"{len(rows)} places in {parsed.out}")
    return 0


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    file.write_text("".join(lines), "utf-8")


def _show(figures: dict[str, Any]) -> None:
    for group in ("languages", "kinds", "rules"):
        columns = RULE_COLUMNS if group == "rules" else COLUMNS
        print(f"{group:20}" + "".join(f"{column:>18}" for column in columns))
        for name, row in figures[group].items():
            print(f"{name:20}" + "".join(f"{row[column]:>18}" for column in columns))
        print()
    for column in (*COLUMNS, "whole_blocks"):
        print(f"{column:20}{figures[column]}")
