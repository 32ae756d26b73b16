from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import pytest

from starcoder_lsp.cli.eval import context
from starcoder_lsp.cli.eval.measures import baselines, context_recall, estimates
from starcoder_lsp.cli.eval.measures.next_line_tasks import read_tasks
from starcoder_lsp.context.retrieve.gather import SOURCES
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import ConfigError

STORE = "class Store:\n    def put(self, key, expiry):\n        return key\n"
APP = (
    "from store import Store\n\nstore = Store()\nstore.put(1, expiry=2)\nprint(store)\n"
)


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    folder = tmp_path / "repos" / "shop"
    folder.mkdir(parents=True)
    (folder / "store.py").write_text(STORE)
    (folder / "app.py").write_text(APP)
    return tmp_path / "repos"


def written(path: Path, row: object) -> Path:
    path.write_text(json.dumps(row) + "\n")
    return path


def crosscodeeval_row(tmp_path: Path) -> Path:
    left, gold, right = APP.partition("put(1, expiry=2)")
    row = {
        "prompt": left,
        "groundtruth": gold,
        "right_context": right,
        "crossfile_context": {"text": "# def put(self, key)"},
        "metadata": {"repository": "shop", "file": "app.py"},
    }
    return written(tmp_path / "rows.jsonl", row)


def cross_file_row(tmp_path: Path) -> Path:
    row = {
        "repo": "shop",
        "path": "app.py",
        "line": 3,
        "gold_symbol": "Store",
        "gold_path": "store.py",
        "gold_span": [1, 3],
    }
    return written(tmp_path / "tasks.jsonl", row)


def test_counts_the_names_that_the_context_brings(
    tmp_path: Path, repositories: Path
) -> None:
    tasks = read_tasks(crosscodeeval_row(tmp_path), repositories)
    (answer,) = context_recall.answers(tasks, repositories, 2000)
    assert answer.recall == 1
    (without,) = context_recall.answers(tasks, repositories, 0)
    assert without.recall == 0
    assert context_recall.summary([answer, without])["identifier_recall"] == 0.5


def test_the_gold_line_is_nowhere_in_the_index(
    tmp_path: Path, repositories: Path
) -> None:
    (task,) = read_tasks(crosscodeeval_row(tmp_path), repositories)
    index = context_recall.index_of(repositories / "shop")
    scene = context_recall.open_scene(task, index)
    assert "expiry=2" not in index.text("app.py")
    assert "expiry=2" not in scene.text


def test_tells_whether_the_definition_is_shown(
    tmp_path: Path, repositories: Path
) -> None:
    tasks = read_tasks(cross_file_row(tmp_path), repositories)
    assert tasks[0].definition == ("store.py", "class Store:")
    (answer,) = context_recall.answers(tasks, repositories, 2000)
    (without,) = context_recall.answers(tasks, repositories, 2000, sources=())
    assert (answer.has_definition, without.has_definition) == (True, False)


def test_baselines_leave_the_own_file_out(tmp_path: Path, repositories: Path) -> None:
    (task,) = read_tasks(crosscodeeval_row(tmp_path), repositories)
    assert baselines.window_search(task, repositories, 2000) == STORE
    assert "expiry" in baselines.new_lines(task, repositories, 2000)
    assert baselines.official(task, repositories, 2000) == task.official


def test_a_row_of_another_kind_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "rows.jsonl", {"prompt": "x"})
    with pytest.raises(ConfigError, match=r"rows\.jsonl:1 is no context task"):
        read_tasks(file, tmp_path)


async def test_a_model_judges_ours_beside_every_reference(
    tmp_path: Path, repositories: Path
) -> None:
    file = crosscodeeval_row(tmp_path)
    parsed = argparse.Namespace(root=repositories, budget_chars=2000)
    tasks = read_tasks(file, repositories)
    engine = ScriptedEngine(())
    figures = await context._bits(tasks, SOURCES, parsed, engine)
    # A text's score is minus its length here, so that a character costs one nat.
    one_nat = round(1 / math.log(2), 4)
    references = [f"bits_per_char_{name}" for name in baselines.BASELINES]
    assert figures == {
        **dict.fromkeys(["bits_per_char", *references], one_nat),
        "bits_per_char_minus_best_reference": 0,
        "bits_per_char_minus_best_reference_95": (0, 0),
    }


def test_a_clear_difference_has_an_interval_below_zero() -> None:
    assert estimates.paired_interval([1.0, 1.1, 0.9], [2.0, 2.2, 1.9])[1] < 0
    low, high = estimates.paired_interval([1.0, 2.0], [2.0, 1.0])
    assert low < 0 < high
