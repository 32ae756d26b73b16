"""Fill-in-the-middle on a file of tasks: exact matches and passed tests.

A row has `prompt`, `suffix` and `canonical_solution`; with `test` and `entry_point` the
completed program can be run (HumanEval-Infilling,
https://github.com/openai/human-eval-infilling, MIT). Rows with a `language` are of the
santacoder-fim task, whose parts are whole lines without their ends.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starcoder_lsp.cli.eval.measures import sandbox
from starcoder_lsp.cli.eval.measures.estimates import share_interval
from starcoder_lsp.cli.eval.rows import Row, text_of
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Completion, Cursor, Document, Usage

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

    def entry(self) -> dict[str, Any]:
        """Return what a journal keeps of the result."""
        usage = self.completion.usage
        return {
            "is_exact": self.is_exact,
            "has_passed": self.has_passed,
            "text": self.completion.text,
            "ms": round(usage.total_ms, 1),
            "prompt_tokens": usage.prompt_tokens,
            "generated_tokens": usage.generated_tokens,
        }

    @classmethod
    def of_entry(cls, entry: Mapping[str, Any]) -> InfillingResult:
        usage = Usage(
            prompt_tokens=entry["prompt_tokens"],
            generated_tokens=entry["generated_tokens"],
            total_ms=entry["ms"],
        )
        completion = Completion(entry["text"], usage)
        return cls(entry["is_exact"], entry["has_passed"], completion)


def cursor_of(row: Row) -> Cursor:
    r"""The cursor in the gap; where a whole line is missing, on an empty line.

    >>> row = {"prompt": "a\n", "suffix": "c\n", "canonical_solution": "b\n"}
    >>> cursor_of(row).suffix
    '\nc\n'
    """
    prompt, suffix, _ = (text_of(row, one, "infilling tasks") for one in COLUMNS)
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


async def outcome(row: Row, answer: Answer, *, execute: bool) -> InfillingResult:
    """Ask for the text in the gap, and judge it; run the tests if `execute`."""
    cursor = cursor_of(row)
    completion = await answer(cursor)
    has_passed = None
    if execute and "test" in row and "entry_point" in row:
        has_passed = await sandbox.passes(program_of(row, cursor, completion.text))
    # Indentation and trailing space are not compared.
    gold = row["canonical_solution"].strip()
    return InfillingResult(completion.text.strip() == gold, has_passed, completion)


def summary(results: list[InfillingResult]) -> dict[str, Any]:
    """The figures of a run: shares as fractions, times of the engine in milliseconds."""
    if not results:
        raise ConfigError("there are no rows")
    usages = [one.completion.usage for one in results]
    latencies_ms = sorted(usage.total_ms for usage in usages)
    runs = [one.has_passed for one in results if one.has_passed is not None]
    return {
        "n": len(results),
        "exact_match": share(one.is_exact for one in results),
        "exact_match_95": share_interval(sum(map(_is_exact, results)), len(results)),
        "n_executed": len(runs),
        "pass_at_1": share(runs) if runs else None,
        "pass_at_1_95": share_interval(sum(runs), len(runs)) if runs else None,
        "empty": share(not one.completion.text for one in results),
        "latency_ms_p50": round(statistics.median(latencies_ms), 1),
        "latency_ms_p90": round(latencies_ms[len(latencies_ms) * 9 // 10], 1),
        "prompt_tokens": _mean(usage.prompt_tokens for usage in usages),
        "generated_tokens": _mean(usage.generated_tokens for usage in usages),
    }


def _is_exact(result: InfillingResult) -> bool:
    return result.is_exact


def share(values: Iterable[bool | None]) -> float:
    return round(statistics.fmean(map(bool, values)), 4)


def _mean(values: Iterable[int]) -> float:
    return round(statistics.fmean(values), 1)
