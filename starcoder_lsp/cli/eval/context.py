"""`starcoder-lsp eval context`: how much of what the next line needs is in the context."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from statistics import mean
from typing import Any

from starcoder_lsp.cli.eval import evaluation
from starcoder_lsp.cli.eval.measures import baselines, bits, context_recall, estimates
from starcoder_lsp.cli.eval.measures.next_line_tasks import NextLineTask, read_tasks
from starcoder_lsp.cli.flags import add_option_flags, flag_layer
from starcoder_lsp.context.retrieve.gather import SOURCES
from starcoder_lsp.engines import Engine
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.runtime import log
from starcoder_lsp.settings.resolve import Layer, resolve

OURS = "starcoder-lsp"
# Enough characters of a prefix for the tokens of it that a scored prompt has.
PREFIX_CHARACTERS = 4 * bits.PREFIX_TOKENS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="JSON lines, or a folder of such files")
    parser.add_argument(
        "--root", type=Path, required=True, help="the folder of the repositories"
    )
    parser.add_argument("--budget-chars", type=int, default=2250)
    evaluation.add_row_arguments(parser)
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=SOURCES,
        help="leave out a source of context",
    )
    parser.add_argument(
        "--score-model",
        help="also measure the bits per character that a model needs for the gold line",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_option_flags(parser)


def run(parsed: argparse.Namespace) -> int:
    evaluation.show(measure(parsed), parsed)
    return 0


def measure(parsed: argparse.Namespace) -> dict[str, Any]:
    if not parsed.root.is_dir():
        raise ConfigError(f"{parsed.root} is not a folder of repositories")
    tasks = read_tasks(parsed.data, parsed.root)
    tasks = evaluation.chosen(tasks, parsed)
    sources = [name for name in SOURCES if name not in parsed.without]
    found = context_recall.answers(tasks, parsed.root, parsed.budget_chars, sources)
    results = list(found)
    figures: dict[str, Any] = context_recall.summary(results)
    if parsed.score_model:
        figures |= asyncio.run(_scored(tasks, sources, parsed))
    if not parsed.json:
        figures |= context_recall.by_repository(results)
    return figures


async def _scored(
    tasks: list[NextLineTask], sources: Collection[str], parsed: argparse.Namespace
) -> dict[str, Any]:
    layers = [flag_layer(parsed), Layer("--score-model", {"model": parsed.score_model})]
    settings = resolve(layers).settings
    log.set_up(settings.log.level, settings.log.file)
    async with evaluation.engine_of(settings) as engine:
        return await _bits(tasks, sources, parsed, engine)


async def _bits(
    tasks: list[NextLineTask],
    sources: Collection[str],
    parsed: argparse.Namespace,
    engine: Engine,
) -> dict[str, Any]:
    needed: defaultdict[str, list[float]] = defaultdict(list)
    for n_done, task in enumerate(tasks, 1):
        prefix = task.left[-PREFIX_CHARACTERS * 2 :]
        prefix = await bits.last_tokens(engine, prefix, bits.PREFIX_TOKENS)
        for name, text in _contexts(task, len(prefix), sources, parsed).items():
            cut = bits.last_tokens if name == OURS else bits.first_tokens
            text = await cut(engine, text, bits.CONTEXT_TOKENS)
            value = await bits.bits_per_character(engine, text, prefix, task.gold)
            needed[name].append(value)
        if sys.stderr.isatty():
            print(f"\r{n_done} of {len(tasks)}", end="", file=sys.stderr, flush=True)
    return _bits_figures(needed)


def _contexts(
    task: NextLineTask,
    n_shown: int,
    sources: Collection[str],
    parsed: argparse.Namespace,
) -> dict[str, str]:
    """Our context and the baselines; ours ends with its best piece, theirs begin with it."""
    shown = context_recall.with_prompt_window(task, n_shown)
    (answer,) = context_recall.answers(
        [shown], parsed.root, parsed.budget_chars, sources
    )
    ours = "".join(f"{each.path}\n{each.text}\n" for each in answer.snippets)
    theirs = {
        name: baseline(task, parsed.root, parsed.budget_chars)
        for name, baseline in baselines.BASELINES.items()
    }
    return {OURS: ours, **theirs}


def _bits_figures(needed: dict[str, list[float]]) -> dict[str, Any]:
    ours = needed.pop(OURS)
    best = min(needed.values(), key=mean)
    return {
        "bits_per_char": round(mean(ours), 4),
        **{f"bits_per_char_{k}": round(mean(v), 4) for k, v in needed.items()},
        "bits_per_char_minus_best_reference": round(mean(ours) - mean(best), 4),
        "bits_per_char_minus_best_reference_95": estimates.paired_interval(ours, best),
    }
