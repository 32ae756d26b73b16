"""`starcoder-lsp eval mine`: how well suggestions match the code of one's own repository."""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median
from typing import Any

from starcoder_lsp.cli import workspace
from starcoder_lsp.cli.eval import evaluation, plots, report
from starcoder_lsp.cli.eval.journal import Entry, Journal
from starcoder_lsp.cli.eval.measures import own_code
from starcoder_lsp.cli.eval.measures.estimates import (
    mean_interval,
    paired_interval,
    share_interval,
)
from starcoder_lsp.cli.eval.measures.own_code import OwnPlace
from starcoder_lsp.cli.flags import flag_layer
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.context import Context
from starcoder_lsp.errors import EngineUnsupported
from starcoder_lsp.flow import Completion
from starcoder_lsp.runtime import log
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.files import ConfigFiles, read_file
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.settings.resolve import Layer, resolve

# The values of an entry that are measured for each place.
MEASURES = ("exact", "edit_similarity", "identifier_match", "bits_per_character")
N_EXAMPLES = 20


@dataclass(frozen=True)
class Variant:
    """Settings to measure, and their name in the figures."""

    name: str
    settings: Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "repository",
        type=Path,
        nargs="?",
        default=Path(),
        help="by default this folder",
    )
    parser.add_argument(
        "--commits",
        type=int,
        default=50,
        help="use lines that the last N commits added",
    )
    parser.add_argument(
        "--rows", type=int, default=60, help="how many places to measure"
    )
    parser.add_argument("--seed", type=int, default=0, help="for other places")
    parser.add_argument(
        "--compare",
        type=Path,
        nargs=2,
        metavar=("A.toml", "B.toml"),
        help="compare two settings files, instead of the settings with and without context",
    )
    evaluation.add_output_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    evaluation.show(measure(parsed), parsed)
    return 0


def measure(parsed: argparse.Namespace) -> dict[str, Any]:
    repository = parsed.repository.resolve()
    found = own_code.places(repository, parsed.commits, parsed.rows, parsed.seed)
    variants = variants_of(repository, parsed)
    measured = {
        "evaluation": "mine",
        "places": [place.name for place in found],
        "settings": [str(one.settings) for one in variants],
    }
    journal = Journal(parsed.results, measured)
    asyncio.run(_measure(variants, found, repository, journal))
    figures = summary(variants, found, journal)
    if parsed.report:
        report.write(parsed.report, _page(figures, variants, found, journal))
    return figures


def variants_of(
    repository: Path, parsed: argparse.Namespace
) -> tuple[Variant, Variant]:
    """Return the settings to compare: two files, or the user's with and without context.

    Flags override both.
    """
    patient, flags = Layer("evaluation", evaluation.PATIENT), flag_layer(parsed)
    if parsed.compare:
        one, other = (
            Variant(
                file.stem,
                resolve([patient, Layer(str(file), read_file(file)), flags]).settings,
            )
            for file in parsed.compare
        )
    else:
        one, other = (
            Variant(
                name,
                ConfigFiles()
                .resolve(
                    repository,
                    [repository],
                    patient,
                    Layer(name, {"context": has_context}),
                    flags,
                )
                .settings,
            )
            for name, has_context in (
                ("with_context", True),
                ("without_context", False),
            )
        )
    log.set_up(one.settings.log.level, one.settings.log.file)
    return one, other


async def _measure(
    variants: Sequence[Variant],
    found: Sequence[OwnPlace],
    repository: Path,
    journal: Journal,
) -> None:
    n_all = len(variants) * len(found)
    progress = evaluation.RowProgress(n_all, len(journal.entries))
    for variant in variants:
        left = [one for one in found if _key(variant, one) not in journal.entries]
        if not left:
            continue
        settings = variant.settings
        async with (
            evaluation.engine_of(settings) as engine,
            workspace.opened(left[0].cursor, settings, [repository]) as context,
        ):
            completer = assemble.build_completer(settings, engine, context)
            for place in left:
                entry = await measured(completer, context, place)
                journal.add(_key(variant, place), entry)
                progress.step()


async def measured(completer: Completer, context: Context, place: OwnPlace) -> Entry:
    """Complete at a place, and measure the text against the one that is wanted."""
    cursor, document = place.cursor, place.cursor.document
    path = workspace.file_of(cursor)
    context.open(document.uri, path, document.language, document.text, document.version)
    await workspace.gathered(context, cursor, 0, range(0))
    started = time.perf_counter()
    completer = replace(
        completer, style=replace(completer.style, multiline=_multiline(place))
    )
    found = await completer.complete(cursor)
    took_ms = (time.perf_counter() - started) * 1000
    entry = {**compared(found, place), "ms": round(took_ms, 1), "text": found.text}
    try:
        score = await completer.score(cursor, place.wanted)
        bits = -score.log_probability / math.log(2) / len(place.wanted)
        entry["bits_per_character"] = round(bits, 4)
    except EngineUnsupported:
        pass
    finally:
        context.close_document(document.uri)
    return entry


def _multiline(place: OwnPlace) -> str:
    """A block is wanted whole, and of a line no more than the line."""
    return "auto" if place.kind == "block" else "never"


def compared(found: Completion, place: OwnPlace) -> dict[str, Any]:
    wanted = place.wanted
    return {
        "exact": found.text.strip() == wanted.strip(),
        "edit_similarity": round(own_code.edit_similarity(found.text, wanted), 4),
        "identifier_match": round(own_code.identifier_match(found.text, wanted), 4),
    }


def summary(
    variants: Sequence[Variant], found: Sequence[OwnPlace], journal: Journal
) -> dict[str, Any]:
    """Return the figures of each variant, of each language, and their difference."""
    rows = [[journal.entries[_key(one, place)] for place in found] for one in variants]
    figures: dict[str, Any] = {"n": len(found)}
    for variant, entries in zip(variants, rows, strict=True):
        figures[variant.name] = _figures(entries)
    first, second = variants
    figures[f"{first.name} minus {second.name}"] = _difference(*rows)
    by_language: defaultdict[str, list[Entry]] = defaultdict(list)
    for place, entry in zip(found, rows[0], strict=True):
        by_language[place.cursor.document.language].append(entry)
    if len(by_language) > 1:
        figures |= {name: _figures(one) for name, one in sorted(by_language.items())}
    return figures


def _figures(entries: Sequence[Entry]) -> dict[str, Any]:
    figures: dict[str, Any] = {"n": len(entries)}
    for name in MEASURES:
        if values := [float(one[name]) for one in entries if name in one]:
            figures[name] = round(mean(values), 4)
            figures[f"{name}_95"] = (
                share_interval(round(sum(values)), len(values))
                if name == "exact"
                else mean_interval(values)
            )
    figures["ms_p50"] = round(median(one["ms"] for one in entries), 1)
    return figures


def _difference(ours: Sequence[Entry], theirs: Sequence[Entry]) -> dict[str, Any]:
    """Return the mean differences, with the interval of the differences by place."""
    figures: dict[str, Any] = {}
    for name in MEASURES:
        pairs = [
            (float(one[name]), float(other[name]))
            for one, other in zip(ours, theirs, strict=True)
            if name in one and name in other
        ]
        if pairs:
            values = [list(column) for column in zip(*pairs, strict=True)]
            figures[name] = round(mean(values[0]) - mean(values[1]), 4)
            figures[f"{name}_95"] = paired_interval(values[0], values[1])
    return figures


def _key(variant: Variant, place: OwnPlace) -> str:
    return f"{variant.name} {place.name}"


def _page(
    figures: Mapping[str, Any],
    variants: Sequence[Variant],
    found: Sequence[OwnPlace],
    journal: Journal,
) -> report.ReportPage:
    drawn, first = [], variants[0]
    for variant in variants:
        entries = {place: journal.entries[_key(variant, place)] for place in found}
        by_kind = {
            kind: [one["exact"] for place, one in entries.items() if place.kind == kind]
            for kind in own_code.KINDS
        }
        drawn.append(plots.bars(f"Exact matches, {variant.name}", by_kind))
        timed = [(one["ms"], one["exact"]) for one in entries.values()]
        drawn.append(plots.by_latency(f"Exact by time, {variant.name}", timed))
    wrong = [
        report.Example(
            place.name,
            {
                "before": place.cursor.prefix[-600:],
                "wanted": place.wanted,
                "suggested": journal.entries[_key(first, place)]["text"],
            },
        )
        for place in found
        if not journal.entries[_key(first, place)]["exact"]
    ]
    return report.ReportPage("eval mine", figures, drawn, wrong[:N_EXAMPLES])
