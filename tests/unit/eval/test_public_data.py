"""Public data with known results: recorded answers pass as published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.cli import main

DATA = Path(__file__).parents[4] / "shared" / "data"
HUMANEVAL = "human-eval/HumanEval.jsonl.gz"


def figures_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run an evaluation; an argument with a slash is a file of the data."""
    files = [DATA / one for one in arguments if "/" in one]
    if missing := [file for file in files if not file.exists()]:
        pytest.skip(f"{missing[0].name} is not on this machine")
    full = [str(DATA / one) if "/" in one else one for one in arguments]
    with pytest.raises(SystemExit) as ended:
        main(["eval", *full, "--json"])
    assert ended.value.code == 0
    figures: dict[str, Any] = json.loads(capsys.readouterr().out)
    return figures


def test_answers_of_starcoder2_instruct_pass_humaneval_as_published(
    capsys: pytest.CaptureFixture[str],
) -> None:
    samples = "starcoder2-instruct-outputs/humaneval.jsonl"
    figures = figures_of(capsys, "humaneval", HUMANEVAL, "--samples", samples)
    # https://huggingface.co/bigcode/starcoder2-15b-instruct-v0.1: 72.6 %
    assert (figures["n"], figures["passed"], figures["pass_at_1"]) == (164, 119, 0.7256)


def test_answers_to_mbpp_have_the_recorded_verdicts_but_for_other_tests(
    capsys: pytest.CaptureFixture[str],
) -> None:
    figures = figures_of(
        capsys,
        *("mbpp", "mbpp/mbpp_sanitized.jsonl"),
        *("--samples", "starcoder2-instruct-outputs/mbpp.jsonl"),
        *("--verdicts", "starcoder2-instruct-outputs/mbpp_eval_results.json"),
    )
    assert (figures["n_compared"], figures["same_verdict"]) == (399, 382)


@pytest.mark.parametrize("cut", ["single-line", "multi-line", "random-span"])
def test_the_text_that_was_cut_out_passes_all_tests(
    capsys: pytest.CaptureFixture[str], cut: str
) -> None:
    flags = ("--cut", cut, "--oracle", "--execute", "--every", "9")
    figures = figures_of(capsys, "infilling", HUMANEVAL, *flags)
    assert (figures["exact_match"], figures["pass_at_1"]) == (1.0, 1.0)
