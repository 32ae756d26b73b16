"""`starcoder-lsp index`: brings the index of a folder up to date and describes it."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from starcoder_lsp.cli.flags import add_option_flags, resolve_for
from starcoder_lsp.context import IndexingProgress, Statistics
from starcoder_lsp.errors import ConfigError, ContextFailed
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", default=".", type=Path, help="a folder")
    parser.add_argument(
        "--stats",
        action="store_true",
        help="count the files by language, and those left out by reason",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    root = parsed.path.resolve()
    if not root.is_dir():
        raise ConfigError(f"{parsed.path} is not a folder")
    settings = resolve_for(root, parsed).settings
    if not settings.context.enabled:
        raise ConfigError("context = false: there is no index; set it to true")
    started = time.perf_counter()
    statistics = asyncio.run(_index(root, settings))
    seconds = time.perf_counter() - started
    if parsed.json:
        print(json.dumps({"root": str(root), "seconds": seconds, **asdict(statistics)}))
        return 0
    place = " (in memory: nothing is kept)" if statistics.is_in_memory else ""
    print(
        f"{root}: {statistics.n_files} files, {statistics.n_symbols} definitions, "
        f"{seconds:.1f} s{place}"
    )
    if parsed.stats:
        _print_counts("indexed, by language", statistics.languages)
        _print_counts("left out, by reason", statistics.skipped)
    return 0


async def _index(root: Path, settings: Settings) -> Statistics:
    done: asyncio.Future[IndexingProgress] = asyncio.get_running_loop().create_future()

    def told(progress: IndexingProgress) -> None:
        if sys.stderr.isatty():
            end = "\n" if progress.is_final else "\r"
            text = f"{progress.n_done} of {progress.n_total} files"
            print(text, end=end, file=sys.stderr, flush=True)
        if progress.is_final and not done.done():
            done.set_result(progress)

    context = assemble.build_context(settings, told, assemble.ONE_CRASH)
    context.use_folders([root])
    context.start()
    try:
        if (await done).is_lost:
            raise ContextFailed("the indexer died; what it said stands above")
        return await context.statistics()
    finally:
        await context.close()


def _print_counts(title: str, counts: dict[str, int]) -> None:
    print(f"\n{title}")
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        print(f"{count:8}  {name}")
