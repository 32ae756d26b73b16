"""`starcoder-lsp eval truncation`: applies the rules to recorded output of a model."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval.measures import truncation
from starcoder_lsp.cli.eval.rows import read_rows
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.languages import language_id, languages
from starcoder_lsp.settings.options import OPTIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, help="JSON lines with groundtruth and prediction"
    )
    parser.add_argument("--language", required=True, help="language id of the rows")
    parser.add_argument(
        "--multiline",
        default="never",
        help="the setting of that name; CrossCodeEval has single lines",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(parsed: argparse.Namespace) -> int:
    figures = measure(parsed)
    if parsed.json:
        print(json.dumps(figures))
    else:
        _show(figures)
    return 0


def measure(parsed: argparse.Namespace) -> dict[str, Any]:
    if language_id(parsed.language) not in languages():
        raise ConfigError(f"--language {parsed.language}: not in languages.toml")
    multiline = OPTIONS["multiline"].parsed(parsed.multiline)
    at = truncation.place(parsed.language, multiline)
    results = truncation.outcomes(read_rows(parsed.file), at)
    return {"language": parsed.language, **truncation.summary(results, at)}


def _show(figures: dict[str, Any]) -> None:
    rules = figures.pop("rules")
    for name, value in figures.items():
        print(f"{name:24} {value}")
    columns = ("changed", "dropped", "gained", "lost", "without")
    print(f"\n{'rule':20}" + "".join(f"{column:>10}" for column in columns))
    for name, row in rules.items():
        print(f"{name:20}" + "".join(f"{row[column]:>10}" for column in columns))
