"""`starcoder-lsp eval places`: compares suggestions with what is wanted at places."""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval import evaluation
from starcoder_lsp.cli.eval.places import cut, verdicts
from starcoder_lsp.cli.eval.places.verdicts import PlaceOutcome
from starcoder_lsp.cli.eval.rows import Row, read_rows
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Completion
from starcoder_lsp.settings import assemble

COLUMNS = ("n", *verdicts.VERDICTS, "new_parse_errors")
RULE_COLUMNS = ("changed", "gained", "lost", "without")


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
    if parsed.file is None:
        raise ConfigError("name a file of places, or make one with --make FOLDER")
    rows = evaluation.chosen(read_rows(parsed.file), parsed)
    results = asyncio.run(
        _with_model(rows, parsed) if parsed.model else _recorded(rows)
    )
    figures = asyncio.run(verdicts.summary(results))
    if parsed.wrong:
        _write(parsed.wrong, [one.as_row() for one in results if not one.is_right])
    if parsed.json:
        print(json.dumps(figures))
    else:
        _show(figures)
    return 0


async def _recorded(rows: list[Row]) -> list[PlaceOutcome]:
    return await verdicts.outcomes(rows, verdicts.recorded)


async def _with_model(
    rows: list[Row], parsed: argparse.Namespace
) -> list[PlaceOutcome]:
    """Judge what a model writes at the places, in place of the rows' `raw`."""
    settings = evaluation.settings_of(parsed)
    progress = evaluation.RowProgress(len(rows))
    async with evaluation.engine_of(settings) as engine:
        completer = assemble.build_completer(settings, engine)
        style = replace(completer.style, can_replace=True)
        completer = replace(completer, style=style)

        async def answer(row: Row, trace: Trace) -> Completion:
            completion = await verdicts.ask(completer, row, trace)
            progress.step()
            return completion

        return await verdicts.outcomes(rows, answer)


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
