"""The statistics are bounded, private, and readable after a crash."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.suggesting.outcomes.page import as_text, page
from starcoder_lsp.suggesting.outcomes.statistics import StatisticsStore
from starcoder_lsp.suggesting.outcomes.summary import by_day, summarize


def record(outcome: str = "accepted", **fields: Any) -> dict[str, Any]:
    return {
        "at": 1_700_000_000,
        "language": "python",
        "outcome": outcome,
        "n_characters": 10,
        "n_accepted": 10 if outcome == "accepted" else 0,
        "latency_ms": 20.0,
        "is_known": False,
        "kept": None,
        **fields,
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "suggestions.jsonl"


def test_records_come_back_and_only_the_user_may_read_them(file: Path) -> None:
    store = StatisticsStore(file)
    store.append(record())
    store.append(record("rejected"))
    assert [row["outcome"] for row in StatisticsStore(file).records()] == [
        "accepted",
        "rejected",
    ]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_too_large_loses_its_older_half(file: Path) -> None:
    store = StatisticsStore(file, max_bytes=2_000)
    for n in range(100):
        store.append(record(at=n))
    kept = [row["at"] for row in store.records()]
    assert kept == list(range(kept[0], 100))
    assert file.stat().st_size <= 2_000
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_lines_that_cannot_be_read_are_left_out(file: Path) -> None:
    StatisticsStore(file).append(record())
    with file.open("ab") as out:
        out.write(b'{"outcome": "acc\n\xff\xfe\n[]\n{"outcome": 7}\n')
    assert len(StatisticsStore(file).records()) == 1


def test_a_failed_write_loses_only_the_statistics(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = StatisticsStore(tmp_path / "file" / "below.jsonl")
    store.append(record())
    assert store.records() == []


def test_figures_per_language() -> None:
    rows = summarize(
        [record(kept=1.0), record(kept=0.5), record("ignored", latency_ms=200.0),
         record("rejected", language="lua", is_known=True)]
    )  # fmt: skip
    everything, python, lua = rows
    assert (everything.n_shown, everything.acceptance) == (4, 0.5)
    assert (python.language, python.kept_after_30_s) == ("python", 0.75)
    assert python.characters_saved == 20
    assert python.latency_ms_p50 == 20.0
    assert (lua.acceptance, lua.known_share, lua.kept_after_30_s) == (0.0, 1.0, None)


def test_the_page_says_when_nothing_was_suggested() -> None:
    assert as_text([]) == "nothing was suggested yet"
    assert "Nothing was suggested yet" in page([])


def test_the_page_loads_nothing() -> None:
    text = page([record(language="<b>"), record(at=1_700_100_000)])
    for foreign in ("http:", "https:", "src=", "<script", "@import", "url("):
        assert foreign not in text
    assert "<b>" not in text
    assert [len(plot.findall("rect")) for plot in plots(text)] == [8, 4, 8, 12, 12]


def plots(text: str) -> list[ET.Element]:
    return [ET.fromstring(svg) for svg in re.findall("<svg.*?</svg>", text)]


def test_the_plots_show_the_figures_of_the_table() -> None:
    days = [record(at=1_700_000_000 + n * 86_400, kept=0.5) for n in range(30)]
    text = page([*days, record("rejected", language="lua")])
    drawn = {title.text for plot in plots(text) for title in plot.iter("title")}
    assert {"2023-11-14: 2 shown", "2023-11-14: 10 characters"} <= drawn
    assert {"python: 100 accepted", "python: 50 of it kept after 30 s"} <= drawn
    assert {"lua: 0 accepted", "lua: 20 p99"} <= drawn


def test_labels_of_a_plot_do_not_overlap() -> None:
    text = page([record(at=1_700_000_000 + n * 86_400) for n in range(59)])
    assert len(plots(text)) == 5
    for plot in plots(text):
        below = max(float(label.attrib["y"]) for label in plot.findall("text"))
        labels = [
            one for one in plot.findall("text") if one.attrib["y"] == f"{below:g}"
        ]
        ends = [float(one.attrib["x"]) + 6 * len(one.text or "") for one in labels]
        starts = [float(one.attrib["x"]) for one in labels[1:]]
        assert all(end <= start for end, start in zip(ends, starts, strict=False))
        assert ends[-1] <= 720


def test_a_day_without_suggestions_counts_too() -> None:
    days = by_day([record(at=0), record("rejected", at=2 * 86_400, n_accepted=9)])
    assert [day.n_shown for day in days.values()] == [1, 0, 1]
    assert [day.characters_saved for day in days.values()] == [10, 0, 0]
