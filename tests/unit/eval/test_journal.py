"""An evaluation that was interrupted continues where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from starcoder_lsp.cli.eval.journal import Journal
from starcoder_lsp.errors import ConfigError

MEASURED = {"evaluation": "humaneval", "tasks": "a1"}


def test_results_are_there_again(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    Journal(file, MEASURED).add("HumanEval/0", {"fault": None})
    assert Journal(file, MEASURED).entries == {"HumanEval/0": {"fault": None}}


@pytest.mark.parametrize("n_lost", [1, 2, 10, 30])
def test_a_line_that_was_not_written_whole_is_measured_again(
    tmp_path: Path, n_lost: int
) -> None:
    file = tmp_path / "results.jsonl"
    journal = Journal(file, MEASURED)
    journal.add("first", {"fault": None})
    journal.add("second", {"fault": None})
    file.write_bytes(file.read_bytes()[:-n_lost])
    again = Journal(file, MEASURED)
    assert "first" in again.entries
    again.add("third", {"fault": None})
    assert {"first", "third"} <= set(Journal(file, MEASURED).entries)


def test_results_of_something_else_are_not_mixed_in(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    Journal(file, MEASURED).add("HumanEval/0", {"fault": None})
    with pytest.raises(ConfigError, match="of other data or other settings"):
        Journal(file, {**MEASURED, "tasks": "b2"})


def test_another_kind_of_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("my notes\n")
    with pytest.raises(ConfigError, match="results of another evaluation"):
        Journal(file, MEASURED)
    assert file.read_text() == "my notes\n"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        Journal(tmp_path / "none" / "results.jsonl", MEASURED)
