"""`starcoder-lsp context` as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from starcoder_lsp.engines.llama.native.library import LlamaModel

KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
UTIL = "".join(
    f"def scaled_{name}(values, factor_of_{name}):\n    return values\n\n\n"
    for name in ("sum", "mean", "total", "median", "minimum", "maximum")
)
MAIN = "import util\n\nprint(util.scaled_█\n"


def context(
    folder: Path, *arguments: str, util: str = UTIL
) -> subprocess.CompletedProcess[str]:
    (folder / ".git").mkdir()
    (folder / "util.py").write_text(util)
    (folder / "main.py").write_text(MAIN)
    return subprocess.run(
        [sys.executable, "-P", "-m", "starcoder_lsp", "context",
         str(folder / "main.py"), *arguments],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def exactly(model: Path, snippet: dict[str, Any]) -> int:
    text = f"{snippet['path']}\n{snippet['text']}\n"
    return len(LlamaModel(model, vocab_only=True).vocabulary.encode(text))


@pytest.mark.parametrize("n_tokens", [40, 90])
def test_a_budget_in_tokens_is_counted_by_the_model(
    tmp_path: Path, tiny_starcoder2: Path, n_tokens: int
) -> None:
    model = ("--model", "starcoder2-3b", "--model-path", str(tiny_starcoder2))
    done = context(tmp_path, "--budget-tokens", str(n_tokens), "--json", *model)
    answer = json.loads(done.stdout)
    (snippet,) = answer["snippets"]
    assert snippet["tokens"] == exactly(tiny_starcoder2, snippet)
    assert n_tokens / 2 < snippet["tokens"] <= n_tokens
    assert not answer["tokens_are_estimated"]


def test_without_the_model_tokens_are_estimated_with_a_notice(
    tmp_path: Path,
) -> None:
    done = context(tmp_path, "--budget-tokens", "90", "--model", "starcoder2-7b")
    assert "about" in done.stdout
    assert "tokens are estimated: " in done.stderr
    assert "models get starcoder2-7b" in done.stderr


def test_a_secret_is_shown_as_its_mark(tmp_path: Path) -> None:
    util = f'def scaled_key(key="{KEY}"):\n    return key\n'
    shown = context(tmp_path, util=util).stdout
    assert 'def scaled_key(key="<KEY>"):' in shown
    assert KEY not in shown
