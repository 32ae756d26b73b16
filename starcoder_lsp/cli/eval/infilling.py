"""`starcoder-lsp eval infilling`: fill-in-the-middle on a file of tasks."""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import sys
import time
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval.measures import infilling
from starcoder_lsp.cli.flags import add_option_flags, flag_layer
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Completion, Cursor
from starcoder_lsp.runtime import log
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import Layer, resolve

# The tasks want one line, and time does not matter; flags override these settings.
USUALLY = {
    "multiline": "never", "max_tokens": 64, "time_budget_ms": 60_000,
    "latency_target_ms": 60_000,
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a file of JSON lines, gzipped or not")
    parser.add_argument("--limit", type=int, help="use only the first LIMIT rows")
    parser.add_argument(
        "--every", type=int, default=1, help="use only every EVERY-th row"
    )
    parser.add_argument(
        "--automatic",
        action="store_true",
        help="answer as while typing, not as to an explicit request",
    )
    parser.add_argument(
        "--execute", action="store_true", help="run the tests of the completed programs"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    settings = resolve([Layer("evaluation", USUALLY), flag_layer(parsed)]).settings
    log.set_up(settings.log.level, settings.log.file)
    rows = read_rows(parsed.file)[:: max(parsed.every, 1)][: parsed.limit]
    results = asyncio.run(_evaluate(rows, settings, parsed))
    figures = {
        "model": settings.engine.model,
        "layout": settings.writing.layout,
        "asked": "automatic" if parsed.automatic else "explicit",
        **infilling.summary(results),
    }
    if parsed.json:
        print(json.dumps(figures))
        return 0
    for name, value in figures.items():
        print(f"{name:18} {value}")
    return 0


def read_rows(file: Path) -> list[Mapping[str, Any]]:
    """Read a file of JSON lines; raises ConfigError with the line that is not JSON."""
    try:
        raw = file.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as exc:
        raise ConfigError(f"{file} cannot be read: {exc}") from exc
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(raw.splitlines(), 1):
        try:
            row = json.loads(line) if line.strip() else None
        except ValueError as exc:
            raise ConfigError(f"{file}:{number} is not JSON: {exc}") from exc
        if isinstance(row, dict):
            rows.append(row)
    return rows


async def _evaluate(
    rows: list[Mapping[str, Any]], settings: Settings, parsed: argparse.Namespace
) -> list[infilling.InfillingResult]:
    engine = assemble.build_engine(
        settings.engine, log_level=settings.log.level, policy=assemble.ONE_CRASH
    )
    engine.start()
    try:
        await engine.ready()
        completer = assemble.build_completer(settings, engine)
        n_wanted = 1 if parsed.automatic else settings.trigger.n_alternatives

        async def answer(cursor: Cursor) -> Completion:
            started = time.perf_counter()
            found = await completer.alternatives(cursor, n_wanted)
            best = found[0] if found else Completion("")
            total_ms = (time.perf_counter() - started) * 1000
            return replace(best, usage=replace(best.usage, total_ms=total_ms))

        results = []
        found = infilling.outcomes(rows, answer, execute=parsed.execute)
        async for outcome in found:
            results.append(outcome)
            _show(len(results), len(rows))
        return results
    finally:
        await engine.close()


def _show(n_done: int, n_rows: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if n_done == n_rows else ""
        print(f"\r{n_done} of {n_rows}", end=end, file=sys.stderr, flush=True)
