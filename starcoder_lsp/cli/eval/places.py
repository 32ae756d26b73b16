"""`starcoder-lsp eval places`: compares suggestions with what is wanted at places."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval.infilling import read_rows
from starcoder_lsp.cli.eval.measures import cut_places, places
from starcoder_lsp.errors import ConfigError

COLUMNS = ("n", *places.VERDICTS, "new_parse_errors")
RULE_COLUMNS = ("changed", "gained", "lost", "without")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, nargs="?", help="a file of JSON lines, gzipped or not"
    )
    parser.add_argument(
        "--make", type=Path, metavar="FOLDER", help="cut places from the code of a folder"
    )
    parser.add_argument("--out", type=Path, help="the file for the places of --make")
    parser.add_argument(
        "--number", type=int, default=84, help="places of each language (default: 84)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the seed of --make")
    parser.add_argument(
        "--wrong", action="store_true", help="print the places that are not right"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(parsed: argparse.Namespace) -> int:
    if parsed.make:
        if not parsed.out:
            raise ConfigError("--make needs --out FILE")
        rows = cut_places.cut(parsed.make, parsed.number, parsed.seed)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        parsed.out.write_text("".join(lines), "utf-8")
        print(f"{len(rows)} places in {parsed.out}")
        return 0
    rows = read_rows(parsed.file)
    results = asyncio.run(places.outcomes(rows, places.recorded))
    figures = asyncio.run(places.summary(results))
    if parsed.json:
        print(json.dumps(figures))
    else:
        _show(figures)
    return 0


def _show(figures: dict[str, Any]) -> None:
    for group in ("languages", "kinds", "rules"):
        columns = RULE_COLUMNS if group == "rules" else COLUMNS
        print(f"{group:20}" + "".join(f"{column:>18}" for column in columns))
        for name, row in figures[group].items():
            print(f"{name:20}" + "".join(f"{row[column]:>18}" for column in columns))
        print()
    for column in COLUMNS:
        print(f"{column:20}{figures[column]}")
