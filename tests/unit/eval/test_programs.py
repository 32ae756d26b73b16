"""Tasks that tests judge: prompts, where answers end, and figures."""

from __future__ import annotations

from typing import Any

import pytest

from starcoder_lsp.cli.eval import program_runs
from starcoder_lsp.cli.eval.measures import programs
from starcoder_lsp.cli.eval.measures.programs import ProgramTask
from starcoder_lsp.cli.eval.measures.toolchains import toolchains
from starcoder_lsp.completion.prompt import families
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Limits

DOUBLE: dict[str, Any] = {
    "task_id": "HumanEval/0",
    "prompt": "def double(x):\n",
    "test": "def check(f):\n    assert f(2) == 4",
    "entry_point": "double",
}
SHARED = {
    "task_id": 2,
    "prompt": "Write a function to find the shared elements.",
    "test_list": [
        "assert shared([1, 2], [2]) == {2}",
        "assert shared([], []) == set()",
    ],
    "test_imports": ["import math"],
}


async def test_an_answer_passes_if_the_tests_of_its_program_do() -> None:
    task = programs.humaneval_task(DOUBLE)
    assert await program_runs.fault_of(task, "    return 2 * x") is None
    fault = await program_runs.fault_of(task, "    return x")
    assert fault is not None
    assert "AssertionError" in fault


async def test_an_answer_to_mbpp_is_a_whole_program() -> None:
    task = programs.mbpp_task(SHARED)
    assert task.name == "Mbpp/2"
    assert task.prompt.splitlines()[2] == "assert shared([1, 2], [2]) == {2}"
    answer = "def shared(a, b):\n    return set(a) & set(b)"
    assert await program_runs.fault_of(task, answer) is None


async def test_a_model_is_stopped_where_the_next_function_begins() -> None:
    task = programs.humaneval_task(DOUBLE)
    pieces = ["    return 2 * x\n", "\ndef", " other():", " ..."]
    engine = ScriptedEngine(pieces)
    text = await program_runs.written(engine, families()["smollm2"], Limits(), task)
    assert text == "    return 2 * x\n"
    assert engine.n_closed == 1


def test_recorded_answers_are_read_in_both_forms() -> None:
    rows = [
        {"task_id": "a", "completion": "1"},
        {"task_id": "a", "completion": "2"},
        {"task_id": "b", "solution": "3"},
    ]
    assert programs.samples_of(rows) == {"a": ["1", "2"], "b": ["3"]}


def test_one_sample_of_each_task_gives_a_share_with_its_interval() -> None:
    passed = {str(i): [i < 119] for i in range(164)}
    assert programs.summary(passed) == {
        "n": 164,
        "n_samples": 164,
        "passed": 119,
        "pass_at_1": 0.7256,
        "pass_at_1_95": (0.6527, 0.7881),
    }


def test_ten_samples_of_each_task_give_pass_at_ten_too() -> None:
    figures = programs.summary({"a": [True] + [False] * 9, "b": [False] * 10})
    assert (figures["pass_at_1"], figures["pass_at_10"]) == (0.05, 0.5)
    assert "pass_at_100" not in figures


def test_more_samples_than_there_are_cannot_be_estimated() -> None:
    from starcoder_lsp.cli.eval.measures.estimates import pass_at_k

    with pytest.raises(ValueError, match="pass@2 needs 2 samples"):
        pass_at_k(1, 1, 2)


def test_rows_of_something_else_are_named_as_such() -> None:
    with pytest.raises(ConfigError, match="is this a file of HumanEval"):
        programs.humaneval_task({"task_id": "a"})
    with pytest.raises(ConfigError, match="is this a file of MBPP"):
        programs.mbpp_task({"prompt": "a"})
    with pytest.raises(ConfigError, match="no file of EvalPlus results"):
        programs.verdicts_of({"eval": {"a": [{}]}})


def test_recorded_verdicts_are_those_of_the_base_tests() -> None:
    samples = [{"base_status": "pass"}, {"base_status": "fail"}]
    assert programs.verdicts_of({"eval": {"a": samples}}) == {"a": [True, False]}


# A right function in each language, for the first task of MultiPL-E, and its tests.
RIGHT = {
    "cpp": "#include <cassert>\nint twice(int x) { return 2 * x; }\n"
    "int main() { assert(twice(2) == 4); }",
    "go": 'package a\nimport "testing"\nfunc twice(x int) int { return 2 * x }\n'
    "func TestTwice(t *testing.T) { if twice(2) != 4 { t.Fatal() } }",
    "js": "const twice = x => 2 * x; require('node:assert').equal(twice(2), 4)",
    "lua": "local function twice(x) return 2 * x end assert(twice(2) == 4)",
    "php": "<?php function twice($x) { return 2 * $x; }\n"
    "if (twice(2) !== 4) { throw new Exception('wrong'); }",
    "pl": "sub twice { return 2 * $_[0]; } exit(twice(2) == 4 ? 0 : 1);",
    "rb": "def twice(x) = 2 * x\nraise 'wrong' unless twice(2) == 4",
    "rs": "fn twice(x: i32) -> i32 { 2 * x }\nfn main() { assert_eq!(twice(2), 4); }",
    "sh": 'twice() { echo $((2 * $1)); }\nset -e\n[[ $(twice 2) == "4" ]]',
    "ts": "const twice = (x: number) => 2 * x; if (twice(2) !== 4) { throw 'wrong'; }",
}


@pytest.mark.parametrize("language", RIGHT)
async def test_programs_of_other_languages_are_judged(language: str) -> None:
    chain = toolchains()[language]
    if (why := await chain.missing()) is not None:
        pytest.skip(f"{language} cannot be run here: {why}")
    assert await chain.fault_of(RIGHT[language]) is None
    assert await chain.fault_of(RIGHT[language].replace("4", "5")) is not None


def test_a_task_of_go_is_named_after_its_language() -> None:
    row = {"name": "a", "prompt": "", "tests": "", "language": "go_test.go"}
    assert programs.multipl_e_task(row).language == "go"


def test_a_stop_that_is_missing_cuts_nothing() -> None:
    assert ProgramTask("a", "", "", ("\n}",)).cut("return 1") == "return 1"


def test_every_toolchain_has_a_right_program_here() -> None:
    # Java is left out: its tests need a library that few machines have.
    assert set(toolchains()) - {"java"} == set(RIGHT)
