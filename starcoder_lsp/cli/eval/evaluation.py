"""The parts that evaluations share: arguments, an engine, progress, figures."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from starcoder_lsp.cli.flags import add_option_flags, flag_layer
from starcoder_lsp.engines import Engine
from starcoder_lsp.runtime import log
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import Layer, resolve

T = TypeVar("T")

# Nobody waits for an answer, so the load of the machine stays out of the figures.
PATIENT = {"time_budget_ms": 60_000, "latency_target_ms": 60_000}


def add_row_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, help="use only the first LIMIT rows")
    parser.add_argument(
        "--every", type=int, default=1, help="use only every EVERY-th row"
    )


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="keep the result of each row in FILE, and continue from there",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write a page with plots (HTML)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_option_flags(parser)


def chosen(rows: list[T], parsed: argparse.Namespace) -> list[T]:
    """Return the rows that `--every` and `--limit` leave."""
    return rows[:: max(parsed.every, 1)][: parsed.limit]


def settings_of(
    parsed: argparse.Namespace, usually: Mapping[str, Any] = PATIENT
) -> Settings:
    """Return the settings of an evaluation; flags override what is `usually` set."""
    settings = resolve([Layer("evaluation", usually), flag_layer(parsed)]).settings
    log.set_up(settings.log.level, settings.log.file)
    return settings


@asynccontextmanager
async def engine_of(settings: Settings) -> AsyncIterator[Engine]:
    """Start the engine of the settings, and wait until it is ready."""
    engine = assemble.build_engine(
        settings.engine, log_level=settings.log.level, policy=assemble.ONE_CRASH
    )
    engine.start()
    try:
        await engine.ready()
        yield engine
    finally:
        await engine.close()


def digest(value: Any) -> str:
    """Return a name for data; the same for the same data."""
    text = json.dumps(value, default=vars, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class RowProgress:
    """Shows on a terminal how many rows are done, and how long the others may take."""

    def __init__(self, n_rows: int, n_done: int = 0) -> None:
        self._n_rows, self._n_before, self._n_done = n_rows, n_done, n_done
        self._started_s = time.monotonic()

    def step(self) -> None:
        self._n_done += 1
        if not sys.stderr.isatty():
            return
        took_s = time.monotonic() - self._started_s
        left = self._n_rows - self._n_done
        left_s = took_s / (self._n_done - self._n_before) * left
        text = f"\r{self._n_done} of {self._n_rows}, {left_s / 60:.1f} minutes left "
        print(text, end="" if left else "\n", file=sys.stderr, flush=True)


def show(figures: Mapping[str, Any], parsed: argparse.Namespace) -> None:
    """Print figures, each on a line of its own or as one JSON object."""
    if parsed.json:
        print(json.dumps(figures))
        return
    width = max(map(len, figures)) + 2
    for name, value in figures.items():
        if isinstance(value, Mapping):
            print(f"\n{name}")
            for key, one in value.items():
                print(f"  {key:{width}}{one}")
        else:
            print(f"{name:{width}}{value}")
