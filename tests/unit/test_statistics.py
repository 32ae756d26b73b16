"""Counting on this machine: bounded, private, readable after a crash."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.statistics import Store
from starcoder_lsp.statistics.page import as_text, page
from starcoder_lsp.statistics.summary import summarize


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
    store = Store(file)
    store.append(record())
    store.append(record("rejected"))
    assert [row["outcome"] for row in Store(file).records()] == ["accepted", "rejected"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_older_half_goes_when_there_is_too_much(file: Path) -> None:
    store = Store(file, max_bytes=2_000)
    for n in range(100):
        store.append(record(at=n))
    kept = [row["at"] for row in store.records()]
    assert kept == list(range(kept[0], 100))
    assert file.stat().st_size <= 2_000
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_lines_that_cannot_be_read_are_left_out(file: Path) -> None:
    Store(file).append(record())
    with file.open("ab") as out:
        out.write(b'{"outcome": "acc\n\xff\xfe\n[]\n{"outcome": 7}\n')
    assert len(Store(file).records()) == 1


def test_a_disk_that_takes_nothing_costs_the_statistics_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "below.jsonl")
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


def test_nothing_is_said_so() -> None:
    assert as_text([]) == "nothing was suggested yet"
    assert "Nothing was suggested yet" in page([])


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page([record(language="<b>"), record(at=1_700_100_000)])
    for foreign in ("http:", "https:", "src=", "<script", "@import", "url("):
        assert foreign not in text
    assert "<b>" not in text
    start, end = text.index("<svg"), text.rindex("</svg>") + len("</svg>")
    drawn = ET.fromstring(f"<all>{text[start:end].replace('&', '&amp;')}</all>")
    assert len(drawn.findall(".//rect")) >= 2
