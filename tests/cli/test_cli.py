"""The command line as a user types it, in a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from starcoder_lsp import __version__, cli
from starcoder_lsp.cli import COMMANDS
from starcoder_lsp.cli.complete import as_object
from starcoder_lsp.cli.workspace import read_cursor
from starcoder_lsp.errors import ConfigError
from starcoder_lsp.flow import Completion

ROOT = Path(__file__).parents[2]

SAMPLES = {
    "add.py": "def add(a, b):\n    return █\n",
    "add.ts": "function add(a: number, b: number): number {\n  return █\n}\n",
    "add.rs": "fn add(a: i32, b: i32) -> i32 {\n    return █\n}\n",
    "add.go": "func add(a int, b int) int {\n\treturn █\n}\n",
    "Add.java": "class Add {\n    int add(int a, int b) {\n        return █\n    }\n}\n",
}


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "starcoder_lsp", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
    )


def completed(place: str, model: Path, *flags: str) -> dict[str, Any]:
    done = run("complete", place, "--json", "--model-path", str(model), *flags)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_file_of_the_users_is_tried_out_once(
    tmp_path: Path, tiny_starcoder2: Path
) -> None:
    file = tmp_path / "a.py"
    file.write_text("x = 1\nprint(█")
    command = ("complete", str(file), "--model-path", str(tiny_starcoder2))
    first, second = run(*command), run(*command, "--json")
    for done in (first, second):
        assert done.returncode == 0, done.stderr
        assert "asked as a model of the family plain" in done.stderr
        assert "of 3 trivial middles 0 came back" in done.stderr
    assert json.loads(second.stdout)["model"] == tiny_starcoder2.name


def test_what_a_licence_restricts_is_said_before_the_first_use(
    tmp_path: Path, tiny_starcoder2: Path
) -> None:
    file = tmp_path / "a.py"
    file.write_text("x = 1\nprint(█")
    flags = ("--model", "starcoder2-3b", "--model-path", str(tiny_starcoder2))
    first, second = (
        run("complete", str(file), *flags),
        run("complete", str(file), *flags),
    )
    assert "starcoder2-3b is under BigCode OpenRAIL-M" in first.stderr
    assert "OpenRAIL" not in second.stderr


@pytest.mark.parametrize("name", SAMPLES)
def test_five_languages_are_completed(tmp_path: Path, smollm2: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(SAMPLES[name])
    answer = completed(str(file), smollm2)
    assert answer["text"].rstrip(";") == "a + b"
    assert answer["model"] == "smollm2-135m"
    assert answer["finish_reason"] in ("rule", "stop")
    assert answer["prompt_tokens"] >= answer["evaluated_tokens"] > 0
    assert answer["generated_tokens"] > 0
    assert answer["total_ms"] >= answer["first_token_ms"] > 0


def test_lines_and_columns_count_from_one(tmp_path: Path, smollm2: Path) -> None:
    file = tmp_path / "add.py"
    file.write_text("def add(a, b):\n    return \n")
    assert completed(f"{file}:2:12", smollm2)["text"] == "a + b"


def test_other_files_of_the_repository_are_used_and_named(
    tmp_path: Path, smollm2: Path
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    file = tmp_path / "main.py"
    file.write_text("from sums import add\nx = add(1,█)\n")
    flags = ("--model-path", str(smollm2))
    done = run("complete", str(file), "--explain", *flags)
    assert "context: sums.py:1-2" in done.stderr
    alone = run("complete", str(file), "--explain", "--context", "false", *flags)
    assert "prompt:" in alone.stderr
    assert "context:" not in alone.stderr


def test_json_output_says_what_the_text_replaces() -> None:
    row = as_object(Completion("a); g()", n_replaced=1), "smollm2-135m")
    assert (row["text"], row["n_replaced"]) == ("a); g()", 1)


def test_a_pipe_gets_only_the_suggestion(tmp_path: Path, smollm2: Path) -> None:
    file = tmp_path / "add.py"
    file.write_text(SAMPLES["add.py"])
    done = run("complete", str(file), "--model-path", str(smollm2))
    assert done.stdout == "a + b\n"
    assert "tokens/s" in done.stderr


def test_a_terminal_gets_the_suggestion_between_its_lines(
    tmp_path: Path, smollm2: Path
) -> None:
    file = tmp_path / "add.py"
    file.write_text(SAMPLES["add.py"])
    try:
        ours, theirs = pty.openpty()
    except OSError as exc:
        pytest.skip(f"this machine has no pseudo-terminals: {exc}")
    command = [sys.executable, "-P", "-m", "starcoder_lsp", "complete", str(file)]
    subprocess.run(
        [*command, "--model-path", str(smollm2)],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "def add(a, b):\r\n    return " in shown
    assert "a + b" in shown


@pytest.mark.parametrize("place", ["{}:1:1", "{}:99:99", "{}:1:0"])
def test_an_empty_file_and_a_cursor_past_the_end_are_completed(
    tmp_path: Path, tiny_starcoder2: Path, place: str
) -> None:
    file = tmp_path / "empty.xyz"
    file.write_text("")
    answer = completed(
        place.format(file), tiny_starcoder2, "--model", "starcoder2-3b", "--max-tokens", "3"
    )  # fmt: skip
    assert answer["model"] == "starcoder2-3b"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("none.py:1:1", "none.py cannot be read: No such file"),
        ("{root}:1:1", "cannot be read: Is a directory"),
        ("{root}/README.md", "expected FILE:LINE:COLUMN"),
    ],
)
def test_an_invalid_position_is_named(place: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read_cursor(place.format(root=ROOT))


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["complete", "README.md:1:1", "--model", "starcoder2"], 1, "starcoder2-3b"),
        (["complete", "README.md:1:1"], 1, "run: starcoder-lsp models get smollm2"),
        (["complete", "README.md:1:1", "--threads", "many"], 2, "expected a whole"),
        (["complete", "README.md:1:1", "--max-tokens", "0"], 2, "from 1 to 1024"),
        (["complete", "README.md:1:1", "--max-tokens", "-1"], 2, "from 1 to 1024"),
        (["models", "get", "no-such-model"], 1, "see: starcoder-lsp models list"),
        (["models", "verify", "starcoder2-3b"], 1, "is not on this machine"),
        (["no-such-command"], 2, "invalid choice"),
    ],
)
def test_errors_say_what_to_do(arguments: list[str], status: int, reason: str) -> None:
    done = run(*arguments)
    assert done.returncode == status
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_models_are_listed() -> None:
    assert "starcoder2-7b" in run("models", "list").stdout
    rows = map(json.loads, run("models", "list", "--json").stdout.splitlines())
    assert {row["name"]: row["present"] for row in rows}["smollm2-135m"] is False


@pytest.mark.timeout(600)  # it downloads
def test_a_model_is_downloaded_verified_and_removed(tmp_path: Path) -> None:
    got = run("models", "get", "smollm2-135m")
    assert got.returncode == 0, got.stderr
    assert Path(got.stdout.strip()).is_file()
    assert "whole" in run("models", "verify", "smollm2-135m").stdout
    assert run("doctor").returncode == 0
    assert "removed" in run("models", "remove", "smollm2-135m").stdout
    assert not Path(got.stdout.strip()).exists()


def test_doctor_finds_a_missing_model() -> None:
    done = run("doctor")
    assert done.returncode == 1
    assert "llama-cpp-python" in done.stdout
    assert "FAIL  the model smollm2-135m is not on this machine" in done.stdout


def test_doctor_finds_a_broken_model_and_a_missing_gpu(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    done = run("doctor", "--json", "--model-path", str(broken), "--gpu-layers", "9")
    problems = [
        row["what"]
        for row in map(json.loads, done.stdout.splitlines())
        if row["level"] == "problem"
    ]
    assert any("cut short" in problem for problem in problems)
    assert any("gpu_layers" in problem for problem in problems)


def test_settings_are_shown_with_their_origin(tmp_path: Path) -> None:
    (tmp_path / ".starcoder.toml").write_text("max_tokens = 7\n")
    Path(os.environ["STARCODER_LSP_CONFIG"]).write_text("threads = 3\n")
    shown = run("config", "show", str(tmp_path), "--layout", "spm").stdout
    assert f"max_tokens = 7  # {tmp_path / '.starcoder.toml'}" in shown
    assert f"threads = 3  # {os.environ['STARCODER_LSP_CONFIG']}" in shown
    assert 'layout = "spm"  # command line' in shown


def test_config_check_fails_for_a_mistake(tmp_path: Path) -> None:
    assert run("config", "check", str(tmp_path)).returncode == 0
    (tmp_path / ".starcoder.toml").write_text("threads = 3\n")
    done = run("config", "check", str(tmp_path))
    assert done.returncode == 1
    assert "threads may not be set by a project" in done.stdout


def test_config_check_finds_unknown_models_and_folders(tmp_path: Path) -> None:
    (tmp_path / ".starcoder.toml").write_text('model = "nonsense"\n')
    done = run("config", "check", str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path / '.starcoder.toml'}: no model 'nonsense'" in done.stdout
    assert "is not a folder" in run("config", "check", "/no/such/folder").stderr


def test_help_names_every_command_and_the_version_is_the_packages() -> None:
    shown = run("--help").stdout
    for command, summary in COMMANDS.items():
        assert re.search(rf"^ +{command} +{re.escape(summary[:20])}", shown, re.M)
    assert run("--version").stdout.strip() == __version__


def test_a_command_may_have_a_hyphen_in_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module: Any = ModuleType("starcoder_lsp.cli.two_words")
    module.add_arguments = lambda parser: parser.add_argument("n", type=int)
    module.run = lambda parsed: parsed.n
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(cli, "COMMANDS", {**cli.COMMANDS, "two-words": "a test"})
    with pytest.raises(SystemExit) as ended:
        cli.main(["two-words", "7"])
    assert ended.value.code == 7


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    assert cli.COMMANDS[name] in " ".join(done.stdout.split())


def test_a_project_cannot_replace_a_module(tmp_path: Path) -> None:
    (tmp_path / "asyncio.py").write_text("raise SystemExit('hijacked')")
    done = subprocess.run(
        [sys.executable, "-m", "starcoder_lsp", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "run `starcoder-lsp`, or `python -P -m starcoder_lsp`" in done.stderr
    assert "hijacked" not in done.stderr + done.stdout


@pytest.mark.timeout(600)  # it downloads
def test_a_project_cannot_replace_pip(tmp_path: Path) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").write_text("")
    (tmp_path / "pip" / "__main__.py").write_text("raise SystemExit('hijacked')")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "starcoder_lsp", "models", "get", "smollm2-135m"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_full_or_read_only_disk_is_named(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    done = run("models", "get", "smollm2-135m", STARCODER_LSP_DATA=str(taken / "data"))
    assert done.returncode == 1
    assert str(taken) in done.stderr
    assert "set STARCODER_LSP_DATA" in done.stderr


def test_eval_infilling_uses_the_real_pipeline(tmp_path: Path, smollm2: Path) -> None:
    row = {
        "prompt": "def first_three():\n    one = 1\n    two = 2\n",
        "suffix": "    return one, two, three\n",
        "canonical_solution": "    three = 3\n",
        "test": "def check(f):\n    assert f() == (1, 2, 3)",
        "entry_point": "first_three",
    }
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row) + "\n")
    flags = ("--model-path", str(smollm2), "--execute", "--json")
    done = run("eval", "infilling", str(file), *flags)
    figures = json.loads(done.stdout)
    assert (figures["n"], figures["exact_match"], figures["pass_at_1"]) == (1, 1.0, 1.0)


def test_a_file_without_tasks_is_named(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    done = run("eval", "infilling", str(file))
    assert done.returncode == 2
    assert "notes.txt:1 is not JSON" in done.stderr


def test_eval_all_leaves_out_what_has_no_data(tmp_path: Path, smollm2: Path) -> None:
    row = {
        "task_id": "HumanEval/0",
        "prompt": "def first_three():\n",
        "canonical_solution": "    return 1, 2, 3\n",
        "test": "def check(f):\n    assert f() == (1, 2, 3)",
        "entry_point": "first_three",
    }
    data, report = tmp_path / "data", tmp_path / "report.html"
    data.mkdir()
    (data / "HumanEval.jsonl.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    flags = ("--quick", "--json", "--report", str(report), "--max-tokens", "16")
    done = run("eval", "all", str(data), "--model-path", str(smollm2), *flags)
    figures = json.loads(done.stdout)
    assert figures["humaneval"]["n"] == 1
    assert figures["mbpp"] == f"left out: {data} holds no mbpp.jsonl"
    assert "<h1>eval all</h1>" in report.read_text()
