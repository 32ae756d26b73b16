"""`starcoder-lsp stats`: shows how many suggestions were accepted on this machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from starcoder_lsp.suggesting.outcomes.page import as_text, page
from starcoder_lsp.suggesting.outcomes.statistics import default_store
from starcoder_lsp.suggesting.outcomes.summary import summarize


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="print the rows as one JSON list"
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with plots"
    )


def run(parsed: argparse.Namespace) -> int:
    records = default_store().records()
    if parsed.html:
        parsed.html.write_text(page(records), "utf-8")
    if parsed.json:
        print(json.dumps([row.as_object() for row in summarize(records)]))
    elif not parsed.html:
        print(as_text(records))
    return 0
