"""Suggestions at places in code, compared with what is wanted there."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.cli.eval import places
from starcoder_lsp.cli.eval.places import cut, verdicts
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Completion
from starcoder_lsp.settings.options import RULES

DATA = Path(__file__).parents[4] / "shared" / "data" / "postprocess"
SOURCE = """\
func f(n int) int {
	if n > limit {
		return limit
	}
	return n
}

func g() {
	print(f(12), "twelve")
}
"""


def row(**columns: Any) -> dict[str, Any]:
    return {
        "language": "python", "before": "print(", "after": "\n", "raw": "one, two)\n\nx",
        "wanted": "one, two)", "kind": "line", **columns,
    }  # fmt: skip


def verdict(shown: str, **columns: Any) -> str:
    n_replaced = columns.pop("shown_replaces", 0)

    async def answer(_row: Any, _trace: Trace) -> Completion:
        return Completion(shown, n_replaced=n_replaced)

    (result,) = asyncio.run(verdicts.outcomes([row(**columns)], answer))
    return result.verdict


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("one, two)", "right"),
        ("one, two) ", "right"),
        ("one", "too_short"),
        ("", "too_short"),
        ("one, two)\n\nx", "too_long"),
        ("three)", "other"),
    ],
)
def test_what_is_shown_is_right_too_short_too_long_or_other(
    shown: str, expected: str
) -> None:
    assert verdict(shown) == expected


def test_a_closer_that_stays_is_as_good_as_one_that_is_replaced() -> None:
    closed = {"variant": "closed", "after": ")\n"}
    assert verdict("one, two", **closed) == "right"
    assert verdict("one, two)", shown_replaces=1, **closed) == "right"
    assert verdict("one", **closed) == "too_short"


def test_below_an_opener_the_block_is_as_good_as_its_first_line() -> None:
    below = {"before": "if a:\n    ", "raw": "b()\n    c()\nd()", "wanted": "b()"}
    assert verdict("b()\n    c()", kind="start", **below) == "right"
    assert verdict("b()\n    c()\nd", kind="start", **below) == "right"
    assert verdict("b()\n    c()", kind="line", **below) == "too_long"


def measured(rows: list[dict[str, Any]]) -> dict[str, Any]:
    results = asyncio.run(verdicts.outcomes(rows, verdicts.recorded))
    return asyncio.run(verdicts.summary(results))


def test_the_figures_of_each_rule_say_what_is_right_without_it() -> None:
    figures = measured([row(), row(raw="one, two)\n```", wanted="one")])
    assert list(figures)[:6] == [
        "n", "right", "too_short", "too_long", "other", "new_parse_errors"
    ]  # fmt: skip
    counts = [figures[name] for name in ("n", "right", "too_long")]
    assert counts == [2, 1, 1]
    assert tuple(figures["rules"]) == RULES
    scope = {"changed": 2, "gained": 1, "lost": 0, "without": 0}
    assert figures["rules"]["scope"] == scope
    nothing = {"changed": 0, "gained": 0, "lost": 0, "without": 1}
    assert figures["rules"]["join"] == nothing
    assert figures["kinds"]["line"]["n"] == figures["languages"]["python"]["n"] == 2


def test_a_text_that_breaks_the_code_counts_as_a_parse_error() -> None:
    async def answer(_row: Any, _trace: Trace) -> Completion:
        return Completion("1)")

    rows = [row(before="x = ", raw="1\n", wanted="1")]
    (result,) = asyncio.run(verdicts.outcomes(rows, answer))
    assert result.has_new_errors


def test_a_file_of_something_else_is_named() -> None:
    with pytest.raises(ConfigError, match="a row has no before: is this a file of pl"):
        measured([{"language": "python"}])
    with pytest.raises(ConfigError, match="there are no rows"):
        measured([])


def test_places_are_cut_out_of_code_with_what_belongs_to_them(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text(SOURCE)
    (tmp_path / "notes.txt").write_text("no code")
    rows = [one for seed in range(20) for one in cut.cut(tmp_path, 9, seed)]
    assert {one["kind"] for one in rows} == set(cut.KINDS)
    assert {one["variant"] for one in rows} == {"plain", "closed"}
    for one in rows:
        assert one["raw"].startswith(one["wanted"])
        if one["variant"] == "plain":
            assert SOURCE.startswith(one["before"] + one["wanted"])
    bodies = {
        one["wanted"] for one in rows if (one["kind"], one["row"]) == ("empty", 2)
    }
    assert bodies
    assert bodies <= {"return limit\n\t}", "return limit"}
    figures = measured(rows)
    assert figures["right"] == figures["n"]


def test_the_same_seed_cuts_the_same_places(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text(SOURCE)
    assert cut.cut(tmp_path, 9, 3) == cut.cut(tmp_path, 9, 3)


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    places.add_arguments(parser)
    return parser.parse_args(given)


def test_the_command_makes_places_and_measures_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.go").write_text(SOURCE)
    out = str(tmp_path / "places.jsonl")
    assert places.run(arguments("--make", str(tmp_path), "--out", out)) == 0
    capsys.readouterr()
    assert places.run(arguments(out, "--json")) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["n"] == figures["right"] > 0
    wrong = tmp_path / "wrong.jsonl"
    assert places.run(arguments(out, "--wrong", str(wrong))) == 0
    assert "new_parse_errors" in capsys.readouterr().out
    assert wrong.read_text() == ""


def test_places_that_were_measured_are_not_measured_again(tmp_path: Path) -> None:
    file, results = tmp_path / "places.jsonl", tmp_path / "results.jsonl"
    file.write_text("\n".join(json.dumps(row(wanted=text)) for text in ("one", "no")))
    given = arguments(str(file), "--results", str(results))
    figures = places.measure(given)
    assert (figures["n"], figures["too_long"], figures["other"]) == (2, 1, 1)
    entries = results.read_text().replace("too_long", "too_short")
    results.write_text(entries)
    assert places.measure(given)["too_short"] == 1
    assert results.read_text() == entries


def test_a_report_shows_shares_by_kind_and_what_went_wrong(tmp_path: Path) -> None:
    file, page = tmp_path / "places.jsonl", tmp_path / "page.html"
    rows = [row(), row(kind="empty", wanted="three")]
    file.write_text("\n".join(map(json.dumps, rows)))
    places.measure(arguments(str(file), "--report", str(page)))
    text = page.read_text()
    assert "Right, by kind" in text
    assert "100.0% (1 of 1)" in text
    assert "python: other" in text


def test_the_command_says_what_it_lacks() -> None:
    with pytest.raises(ConfigError, match="--make needs --out"):
        places.run(arguments("--make", "."))
    with pytest.raises(ConfigError, match="name a file of places"):
        places.run(arguments())


@pytest.mark.parametrize(
    ("name", "least"), [("places.jsonl", 0.97), ("cases.jsonl", 1.0)]
)
def test_recorded_places_are_right(name: str, least: float) -> None:
    if not (DATA / name).is_file():
        pytest.skip(f"{DATA / name} is not on this machine")
    rows = [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]
    figures = measured(rows)
    assert figures["right"] >= least * figures["n"]
    assert figures["too_long"] == figures["new_parse_errors"] == 0
