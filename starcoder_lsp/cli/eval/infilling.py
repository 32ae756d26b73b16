"""`starcoder-lsp eval infilling`: fill-in-the-middle on a file of tasks."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from starcoder_lsp.cli.eval import evaluation, plots, report
from starcoder_lsp.cli.eval.journal import Journal
from starcoder_lsp.cli.eval.measures import cuts, infilling
from starcoder_lsp.cli.eval.measures.infilling import Answer, InfillingResult
from starcoder_lsp.cli.eval.rows import Row, read_rows
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.flow import Completion, Cursor, Usage
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings

# The tasks want one line, and time does not matter; flags override these settings.
USUALLY = {**evaluation.PATIENT, "multiline": "never", "max_tokens": 64}
# Tasks of several lines are judged as the place wants it.
SEVERAL = {**USUALLY, "multiline": "auto", "max_tokens": 256}
N_EXAMPLES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="a file of JSON lines, gzipped or not")
    parser.add_argument(
        "--cut",
        choices=cuts.CUTS,
        help="FILE is HumanEval; make tasks of this kind out of its solutions",
    )
    parser.add_argument(
        "--oracle",
        action="store_true",
        help="answer with the text that is wanted, without a model; all tests must pass",
    )
    parser.add_argument(
        "--automatic",
        action="store_true",
        help="answer as while typing, not as to an explicit request",
    )
    parser.add_argument(
        "--execute", action="store_true", help="run the tests of the completed programs"
    )
    evaluation.add_row_arguments(parser)
    evaluation.add_output_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    evaluation.show(measure(parsed), parsed)
    return 0


def measure(parsed: argparse.Namespace) -> dict[str, Any]:
    is_one_line = parsed.cut in (None, "single-line")
    settings = evaluation.settings_of(parsed, USUALLY if is_one_line else SEVERAL)
    rows = read_rows(parsed.file)
    rows = list(cuts.tasks_of(rows, parsed.cut)) if parsed.cut else rows
    rows = evaluation.chosen(rows, parsed)
    model = "the wanted text" if parsed.oracle else settings.engine.model
    asked = "automatic" if parsed.automatic else "explicit"
    measured = {
        "evaluation": "infilling",
        "tasks": evaluation.digest(rows),
        "model": model,
        "settings": str(settings),
        "asked": asked,
        "execute": parsed.execute,
    }
    journal = Journal(parsed.results, measured)
    asyncio.run(_evaluate(rows, settings, parsed, journal))
    results = [InfillingResult.of_entry(one) for one in journal.entries.values()]
    layout = settings.writing.layout
    figures = {"model": model, "layout": layout, "asked": asked}
    figures |= infilling.summary(results)
    if parsed.report:
        report.write(parsed.report, _page(figures, rows, results))
    return figures


async def _evaluate(
    rows: Sequence[Row],
    settings: Settings,
    parsed: argparse.Namespace,
    journal: Journal,
) -> None:
    progress = evaluation.RowProgress(len(rows), len(journal.entries))
    async with AsyncExitStack() as stack:
        completer = None
        if not parsed.oracle:
            engine = await stack.enter_async_context(evaluation.engine_of(settings))
            completer = assemble.build_completer(settings, engine)
        n_wanted = 1 if parsed.automatic else settings.trigger.n_alternatives
        for number, row in enumerate(rows):
            if str(number) in journal.entries:
                continue
            answer = _answer_of(completer, n_wanted) if completer else _wanted(row)
            result = await infilling.outcome(row, answer, execute=parsed.execute)
            journal.add(str(number), result.entry())
            progress.step()


def _answer_of(completer: Completer, n_wanted: int) -> Answer:
    """Return a function that asks for completions, and measures the whole time."""

    async def answer(cursor: Cursor) -> Completion:
        started = time.perf_counter()
        found = await completer.alternatives(cursor, n_wanted)
        best = found[0] if found else Completion("")
        total_ms = (time.perf_counter() - started) * 1000
        return replace(best, usage=replace(best.usage, total_ms=total_ms))

    return answer


def _wanted(row: Row) -> Answer:
    async def answer(_cursor: Cursor) -> Completion:
        return Completion(row["canonical_solution"], Usage())

    return answer


def _page(
    figures: Mapping[str, Any], rows: Sequence[Row], results: Sequence[InfillingResult]
) -> report.ReportPage:
    timed = [(one.completion.usage.total_ms, one.is_exact) for one in results]
    wrong = [
        report.Example(
            str(row.get("task_id", row.get("name", ""))),
            {
                "before": row["prompt"],
                "wanted": row["canonical_solution"],
                "suggested": result.completion.text,
            },
        )
        for row, result in zip(rows, results, strict=True)
        if not (result.is_exact or result.has_passed)
    ]
    drawn = [plots.by_latency("Exact matches, by the time of the answer", timed)]
    return report.ReportPage("eval infilling", figures, drawn, wrong[:N_EXAMPLES])
