"""The real vocabularies at hand, and the rows of models.toml that have them.

A family may have models with several vocabularies, so that each row is named:
DeepSeek-Coder-V2-Lite has another one than DeepSeek-Coder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from starcoder_lsp.models import registry

DATA = Path(__file__).parent / "data"
# The one model whose file is downloaded by the tests.
WHOLE = "smollm2-135m"
# The family whose tokenizer is in a package (tests/engine/test_codestral_tokens.py).
IN_PACKAGE = "codestral"


class Vocabulary(NamedTuple):
    """A family, the name of a vocabulary in tests/data, and the rows that it is that of."""

    family: str
    name: str
    rows: tuple[str, ...]

    @property
    def path(self) -> Path:
        return DATA / f"ggml-vocab-{self.name}.gguf"


VOCABULARIES = (
    Vocabulary(
        "starcoder2",
        "starcoder",
        (
            "starcoder2-3b",
            "starcoder2-3b-q8_0",
            "starcoder2-7b",
            "starcoder2-7b-q8_0",
            "starcoder2-15b",
            "starcoder2-15b-q8_0",
        ),
    ),
    Vocabulary("starcoder2-instruct", "starcoder", ("starcoder2-15b-instruct",)),
    # Refact's vocabulary is StarCoder's.
    Vocabulary("starcoder", "refact", ("starcoderbase-1b", "starcoderbase-1b-q8_0")),
    Vocabulary("refact", "refact", ()),
    Vocabulary(
        "deepseek-coder",
        "deepseek-coder",
        ("deepseek-coder-1.3b", "deepseek-coder-1.3b-q8_0", "deepseek-coder-6.7b"),
    ),
)


def vocabulary_of_row() -> Mapping[str, Vocabulary]:
    """Return the vocabulary of each row that has one here."""
    return {row: one for one in VOCABULARIES for row in one.rows}


def table_of_checks() -> str:
    """Return the table of docs/models.md: each row of models.toml, and its checks."""
    lines = [
        "| Model | Header | Control tokens | Stops | Prompt | Fills and ends |",
        "|---|---|---|---|---|---|",
    ]
    for model in registry.models().values():
        cells = [f"`{model.name}`", *_checks(model.name)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _checks(row: str) -> tuple[str, ...]:
    if row == WHOLE:
        return ("file", "file", "file", "text, tokens", "continues; no middle")
    if row in vocabulary_of_row():
        return ("vocabulary", "vocabulary", "vocabulary", "text, tokens", "–")
    if registry.find(row).family == IN_PACKAGE:
        return ("–", "package", "package", "text", "–")
    return ("–", "–", "–", "text", "–")
