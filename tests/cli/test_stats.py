"""`starcoder-lsp stats`, and `complete --explain`."""

from __future__ import annotations

import json
from pathlib import Path

from test_cli import SAMPLES, run

from starcoder_lsp.suggesting.outcomes.statistics import default_store


def accepted() -> None:
    default_store().append(
        {"at": 1_700_000_000, "language": "python", "outcome": "accepted",
         "n_accepted": 12, "latency_ms": 30.0, "is_known": True, "kept": 1.0}
    )  # fmt: skip


def test_stats_without_suggestions_say_so() -> None:
    assert run("stats").stdout == "nothing was suggested yet\n"


def test_stats_are_a_table_json_or_a_page(tmp_path: Path) -> None:
    accepted()
    lines = run("stats").stdout.splitlines()
    head, everything, python, *_, legend = lines
    assert (head.split()[3], legend.split()[0]) == ("rate", "cached:")
    assert max(map(len, lines)) <= 80, "it fits into a terminal"
    assert everything.startswith("all ")
    assert python.split()[:4] == ["python", "1", "1", "100%"]
    rows = json.loads(run("stats", "--json").stdout)
    assert rows[0]["characters_saved"] == 12
    page = tmp_path / "stats.html"
    assert run("stats", "--html", str(page)).returncode == 0
    assert "<svg" in page.read_text("utf-8")


def test_complete_explains_a_suggestion(tmp_path: Path, smollm2: Path) -> None:
    file = tmp_path / "add.py"
    file.write_text(SAMPLES["add.py"])
    flags = ("--model-path", str(smollm2), "--explain")
    done = run("complete", str(file), *flags)
    assert done.stdout == "a + b\n"
    for part in ("decision:", "prompt:", "raw text:", "suggested: 'a + b'"):
        assert part in done.stderr
    row = json.loads(run("complete", str(file), "--json", *flags).stdout)
    assert "suggested: 'a + b'" in row["explain"]
