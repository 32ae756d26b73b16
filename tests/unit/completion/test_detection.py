"""Families of GGUF files without a row, by their names, architectures and tokens."""

from __future__ import annotations

import pytest

from starcoder_lsp.completion.prompt import families
from starcoder_lsp.completion.prompt.detection import Detected, ModelFacts, detect
from starcoder_lsp.models import registry

QWEN = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|repo_name|>", "<|file_sep|>")  # fmt: skip
STARCODER = ("<fim_prefix>", "<fim_middle>", "<fim_suffix>")
STARCODER_1 = (*STARCODER, "<filename>", "<reponame>", "<gh_stars>")
STARCODER_2 = (*families()["starcoder2"].controls,)
GEMMA = (*QWEN[:3], "<|file_separator|>")
GRANITE = (*QWEN[:3], "<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>")
DEEPSEEK = (*families()["deepseek-coder"].controls,)
SEED = (*families()["seed-coder"].controls,)
GLM = (*families()["codegeex4"].controls,)


@pytest.mark.parametrize(
    ("name", "architecture", "tokens", "family", "certainty"),
    [
        ("StarCoder2 3b", "starcoder2", STARCODER_2, "starcoder2", "sure"),
        ("my-finetune", "starcoder2", STARCODER_2, "starcoder2", "likely"),
        ("starcoder2-15b-instruct-v0.1", "starcoder2", STARCODER_2, "starcoder2-instruct", "sure"),
        ("starcoderbase-1b", "starcoder", STARCODER_1, "starcoder", "sure"),
        ("x", "starcoder", STARCODER_1, "starcoder", "likely"),
        ("Granite 3b Code Base", "llama", STARCODER_1, "granite-code", "sure"),
        ("Refact 1.6B", "refact", STARCODER_1, "refact", "sure"),
        ("Mellum 4b Base", "llama", STARCODER_1, "mellum", "sure"),
        ("Qwen2.5 Coder 7B", "qwen2", QWEN, "qwen2.5-coder", "sure"),
        ("Qwen3 Coder 30B A3B", "qwen3moe", QWEN, "qwen2.5-coder", "sure"),
        ("Qwen2.5 7B Instruct", "qwen2", QWEN, "qwen2.5-coder", "doubtful"),
        ("Qwen3 8B", "qwen3", QWEN, "plain", "likely"),
        ("OpenCoder 8B", "llama", QWEN, "plain", "likely"),
        ("replit-code-v1_5-3b", "mpt", STARCODER, "plain", "likely"),
        ("Mamba-Codestral-7B-v0.1", "mamba2", ("[SUFFIX]", "[PREFIX]"), "plain", "likely"),
        ("Codestral-22B-v0.1", "llama", ("[SUFFIX]", "[PREFIX]"), "codestral", "sure"),
        ("codegemma-2b", "gemma", GEMMA, "codegemma", "sure"),
        ("gemma-7b", "gemma", GEMMA, "codegemma", "doubtful"),
        ("Granite 4.0 350m Base", "granitehybrid", GRANITE, "granite-4", "sure"),
        ("Granite 4.0 Micro", "granite", GRANITE, "granite-4-instruct", "sure"),
        ("Seed-Coder-8B-Base", "llama", SEED, "seed-coder", "sure"),
        ("zed-industries zeta-2", "llama", SEED, "seed-coder", "sure"),
        ("deepseek-coder-6.7b-base", "llama", DEEPSEEK, "deepseek-coder", "sure"),
        ("DeepSeek-Coder-V2-Lite-Base", "deepseek2", DEEPSEEK, "deepseek-coder", "sure"),
        ("codegeex4-all-9b", "chatglm", GLM, "codegeex4", "sure"),
        ("glm-4-9b-chat", "chatglm", GLM, "codegeex4", "doubtful"),
        ("SmolLM2 135M", "llama", ("<file_sep>",), "smollm2", "sure"),
        ("tinyllama", "llama", (), "plain", "likely"),
        ("StarCoder2 3b", "starcoder2", (), "plain", "likely"),
    ],
)  # fmt: skip
def test_a_file_is_recognised(
    name: str, architecture: str, tokens: tuple[str, ...], family: str, certainty: str
) -> None:
    found = detect(ModelFacts((name,), architecture, frozenset(tokens)))
    assert (found.family, found.certainty) == (family, certainty), found.why


@pytest.mark.parametrize("name", families())
def test_each_family_is_recognised_by_its_own_name_or_is_plain(name: str) -> None:
    family = families()[name]
    if family.detect is None:
        assert family.layout == "plain"
        return
    tokens = family.controls.union(family.detect.tokens)
    rows = [one for one in registry.models().values() if one.family == name]
    for row in rows:
        header = ModelFacts(
            (row.published.file,), family.detect.architectures[0], tokens
        )
        assert detect(header).family == name, row.name


def test_the_answer_says_why() -> None:
    header = ModelFacts(("OpenCoder-1.5B",), "llama", frozenset(STARCODER))
    assert detect(header) == Detected(
        "plain", "likely", "its makers did not train it to fill in the middle"
    )
