"""Infilling tasks: where the cursor stands, what counts, what is run."""

from __future__ import annotations

from typing import Any

import pytest

from starcoder_lsp.cli.eval.measures import infilling
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Completion, Cursor, Usage

ROW: dict[str, Any] = {
    "prompt": "def double(x):\n",
    "suffix": "    return y\n",
    "canonical_solution": "    y = 2 * x\n",
    "test": "def check(f):\n    assert f(2) == 4",
    "entry_point": "double",
}


def picture(row: dict[str, Any]) -> str:
    cursor = infilling.cursor_of(row)
    return cursor.prefix + "█" + cursor.suffix


def test_a_missing_line_is_an_empty_one_with_the_cursor() -> None:
    assert picture(ROW) == "def double(x):\n█\n    return y\n"


def test_a_missing_span_is_where_it_was() -> None:
    row = {"prompt": "y = ", "suffix": " * x\n", "canonical_solution": "2"}
    assert picture(row) == "y = █ * x\n"


def test_parts_without_line_ends_are_joined_by_them() -> None:
    row = {"prompt": "a", "suffix": "c", "canonical_solution": "b", "language": "js"}
    assert picture(row) == "a\n█\nc"
    assert infilling.cursor_of(row).document.language == "javascript"


def test_a_file_of_something_else_is_named_as_such() -> None:
    with pytest.raises(ConfigError, match="a row has no prompt"):
        infilling.cursor_of({"text": "x"})


async def run(middle: str, *, execute: bool = True) -> infilling.InfillingResult:
    async def answer(cursor: Cursor) -> Completion:
        return Completion(middle, Usage(total_ms=5.0, generated_tokens=3))

    return await infilling.outcome(ROW, answer, execute=execute)


async def test_the_gold_line_is_exact_and_passes() -> None:
    outcome = await run("    y = 2 * x")
    assert (outcome.is_exact, outcome.has_passed) == (True, True)


async def test_another_right_line_passes_without_being_exact() -> None:
    outcome = await run("    y = x + x")
    assert (outcome.is_exact, outcome.has_passed) == (False, True)


async def test_a_wrong_line_does_neither() -> None:
    outcome = await run("    y = x")
    assert (outcome.is_exact, outcome.has_passed) == (False, False)


async def test_nothing_is_run_unasked() -> None:
    assert (await run("    y = 2 * x", execute=False)).has_passed is None


async def test_the_summary_counts_shares() -> None:
    results = [await run("    y = 2 * x"), await run(""), await run("    y = x * 2")]
    found = infilling.summary(results)
    assert (found["n"], found["exact_match"], found["pass_at_1"]) == (3, 0.3333, 0.6667)
    assert (found["empty"], found["latency_ms_p50"]) == (0.3333, 5.0)


def test_no_rows_are_an_error() -> None:
    with pytest.raises(ConfigError, match="no rows"):
        infilling.summary([])
