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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a file of JSON lines, gzipped or not")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(parsed: argparse.Namespace) -> int:
    rows = read_rows(parsed.file)
    results = asyncio.run(places.outcomes(rows, places.recorded))
    figures = asyncio.run(places.summary(results))
    if parsed.json:
        print(json.dumps(figures))
    else:
        _show(figures)
    return 0
