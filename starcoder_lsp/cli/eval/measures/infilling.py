"""Fill-in-the-middle on a file of tasks: exact matches and passed tests.

A row has `prompt`, `suffix` and `canonical_solution`; with `test` and `entry_point` the
completed program can be run (HumanEval-Infilling,
https://github.com/openai/human-eval-infilling, MIT). Rows with a `language` are of the
santacoder-fim task, whose parts are whole lines without their ends.
"""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starcoder_lsp.cli.eval.measures import sandbox
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Completion, Cursor, Document

Row = Mapping[str, Any]
Answer = Callable[[Cursor], Awaitable[Completion]]

COLUMNS = ("prompt", "suffix", "canonical_solution")
# Names of languages in the data sets, and the language ids for them.
LANGUAGE_IDS = {"py": "python", "js": "javascript"}


@dataclass(frozen=True)
class InfillingResult:
    """The result of one row; `has_passed` is None if the program was not run."""

    is_exact: bool
    has_passed: bool | None
    completion: Completion


def cursor_of(row: Row) -> Cursor:
    r"""The cursor in the gap; where a whole line is missing, on an empty line.

    >>> row = {"prompt": "a\n", "suffix": "c\n", "canonical_solution": "b\n"}
    >>> cursor_of(row).suffix
    '\nc\n'
    """
    for column in COLUMNS:
        if not isinstance(row.get(column), str):
            raise ConfigError(
                f"a row has no {column}: is this a file of infilling tasks?"
            )
    prompt, suffix = row["prompt"], row["suffix"]
    if "language" in row:
        prompt, suffix = prompt + "\n", "\n" + suffix
    elif row["canonical_solution"].endswith("\n"):
        suffix = "\n" + suffix
    language = str(row.get("language", "python"))
    document = Document(prompt + suffix, language=LANGUAGE_IDS.get(language, language))
    return Cursor(document, len(prompt))


def program_of(row: Row, cursor: Cursor, middle: str) -> str:
    """The completed program with its tests."""
    filled = cursor.prefix + middle + cursor.suffix
    return f"{filled}\n{row['test']}\ncheck({row['entry_point']})\n"


async def outcomes(
    rows: Iterable[Row], answer: Answer, *, execute: bool
) -> AsyncIterator[InfillingResult]:
    for row in rows:
        cursor = cursor_of(row)
        completion = await answer(cursor)
        has_passed = None
        if execute and "test" in row and "entry_point" in row:
            program = program_of(row, cursor, completion.text)
            has_passed = await sandbox.passes(program)
        # Indentation and trailing space are not compared.
        gold = row["canonical_solution"].strip()
        yield InfillingResult(completion.text.strip() == gold, has_passed, completion)


def summary(results: list[InfillingResult]) -> dict[str, float | int | None]:
    """The figures of a run: shares as fractions, times of the engine in milliseconds."""
    if not results:
        raise ConfigError("there are no rows")
    usages = [one.completion.usage for one in results]
    latencies_ms = sorted(usage.total_ms for usage in usages)
    runs = [one.has_passed for one in results if one.has_passed is not None]
    return {
        "n": len(results),
        "exact_match": share(one.is_exact for one in results),
        "n_executed": len(runs),
        "pass_at_1": share(runs) if runs else None,
        "empty": share(not one.completion.text for one in results),
        "latency_ms_p50": round(statistics.median(latencies_ms), 1),
        "latency_ms_p90": round(latencies_ms[len(latencies_ms) * 9 // 10], 1),
        "prompt_tokens": _mean(usage.prompt_tokens for usage in usages),
        "generated_tokens": _mean(usage.generated_tokens for usage in usages),
    }


def share(values: Iterable[bool | None]) -> float:
    return round(statistics.fmean(map(bool, values)), 4)


def _mean(values: Iterable[int]) -> float:
    return round(statistics.fmean(values), 1)
