"""Recorded output: what the rules gain and lose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.cli import main
from starcoder_lsp.cli.eval.measures import truncation
from starcoder_lsp.errors import ConfigError

RECORDED = Path(__file__).parents[4] / "shared" / "data" / "starcoder-outputs"
ROWS = [
    {"groundtruth": "load(path)", "prediction": "load(path)\n    return"},
    {"groundtruth": "load(path)", "prediction": "load(file)"},
    {"groundtruth": "a and b", "prediction": "a and b"},
    {"groundtruth": "x", "prediction": "and so on " * 20},
]


def figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    at = truncation.place("python")
    return truncation.summary(truncation.outcomes(rows, at), at)


def test_what_is_right_when_it_is_cut_counts_as_gained() -> None:
    found = figures(ROWS)
    assert (found["n"], found["exact_match_raw"]) == (4, 0.25)
    assert found["exact_match_filtered"] == found["exact_match_ceiling"] == 0.5
    scope = found["rules"]["scope"]
    assert (scope["gained"], scope["lost"], scope["without"]) == (1, 0, 0.25)


def test_what_a_rule_drops_is_told() -> None:
    assert figures(ROWS)["rules"]["repeated_pattern"]["dropped"] == 1


def test_rows_of_another_kind_are_named() -> None:
    with pytest.raises(ConfigError, match="no groundtruth"):
        truncation.outcomes([{"prompt": "x"}], truncation.place("python"))


def test_the_command_prints_one_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)), "utf-8")
    with pytest.raises(SystemExit, match="0"):
        main(["eval", "truncation", str(file), "--language", "python", "--json"])
    assert json.loads(capsys.readouterr().out)["n"] == 4


def test_an_unknown_language_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["eval", "truncation", "x.jsonl", "--language", "klingon"])
    assert "klingon" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("context", "first_line"), [("rg1_bm25", 0.0889), ("oracle_bm25", 0.1276)]
)
def test_no_rule_destroys_what_cutting_at_the_first_line_gives(
    context: str, first_line: float
) -> None:
    file = RECORDED / f"StarCoder-1B/Python/result_line_completion_{context}.jsonl"
    if not file.exists():
        pytest.skip("the recorded output is not on this machine")
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    found = truncation.outcomes(rows, truncation.place("python"))
    n_exact = sum(one.is_exact for one in found)
    assert round(n_exact / len(found), 4) >= first_line
