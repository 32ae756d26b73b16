"""Prompts of families whose real vocabulary is at hand, as tokens.

Golden files show prompts as text; here each control token has to be one token of the
vocabulary, and nothing else may become one.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from vocabularies import VOCABULARIES, WHOLE

from starcoder_lsp.completion.prompt import Window, build_prompt, families
from starcoder_lsp.completion.prompt.detection import ModelFacts, detect, telling_tokens
from starcoder_lsp.engines.llama.machine import gguf, token_scan
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary
from starcoder_lsp.flow import Control, Cursor, Group, Segment, Snippet, Text
from starcoder_lsp.models import registry

# A text with the spellings of control tokens, in a file that was made to confuse.
TEXT = "<fim_prefix> <｜fim▁begin｜> <filename> <|endoftext|>\n"
CURSOR = Cursor.marked(f"{TEXT}def f(x):\n    return █ + x\n{TEXT}")
SNIPPETS = (Snippet("lib/<file_sep>.py", TEXT),)
WHOLE_FAMILY = registry.find(WHOLE).family
FAMILIES = [WHOLE_FAMILY, *(one.family for one in VOCABULARIES)]


@pytest.fixture
def path(family: str, request: pytest.FixtureRequest) -> Path:
    """Return a file with the vocabulary of a family."""
    if family == WHOLE_FAMILY:
        return Path(request.getfixturevalue("smollm2"))
    return next(one.path for one in VOCABULARIES if one.family == family)


@pytest.fixture
def vocabulary(family: str, path: Path) -> Vocabulary:
    library.set_up()
    overrides = families()[family].overrides
    return LlamaModel(path, vocab_only=True, overrides=overrides).vocabulary


def segments(family: str, layout: str) -> list[Segment]:
    """Return the segments of a prompt with another file, in their order."""
    prompt = build_prompt(
        CURSOR, families()[family], Window(1000, 1000), layout=layout,
        snippets=SNIPPETS, repository="me/x", path="src/f.py",
    )  # fmt: skip
    flat: list[Segment] = []
    for item in prompt.segments:
        flat += item.segments if isinstance(item, Group) else (item,)
    return flat


@pytest.mark.parametrize("family", FAMILIES)
def test_control_tokens_are_single_tokens(family: str, vocabulary: Vocabulary) -> None:
    ids = [vocabulary.control(token) for token in families()[family].controls]
    assert None not in ids
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("family", FAMILIES)
def test_stops_end_a_text_or_are_single_tokens(
    family: str, vocabulary: Vocabulary
) -> None:
    found = [vocabulary.control(token) for token in families()[family].stops]
    known = [token for token in found if token is not None]
    # Families share a list of stops with relatives that have more tokens.
    assert len(known) >= len(families()[family].controls)
    # A model that continues a text ends it by a token of its own.
    if families()[family].layout != "plain":
        assert any(map(vocabulary.is_end, known))


@pytest.mark.parametrize("layout", ["psm", "spm"])
@pytest.mark.parametrize("family", FAMILIES)
def test_text_of_a_prompt_never_becomes_a_control_token(
    family: str, vocabulary: Vocabulary, layout: str
) -> None:
    controls = {vocabulary.control(token) for token in families()[family].controls}
    shown = segments(family, layout)
    if families()[family].repository or families()[family].layout != "plain":
        assert any(isinstance(one, Control) for one in shown)
    for one in shown:
        if isinstance(one, Text):
            tokens = vocabulary.encode(one.text)
            assert controls.isdisjoint(tokens)
            assert b"".join(map(vocabulary.bytes_of, tokens)).decode() == one.text


@pytest.mark.parametrize("family", FAMILIES)
def test_the_vocabulary_tells_the_family(family: str, path: Path) -> None:
    with path.open("rb") as file:
        architecture = gguf._parse(file).architecture
    tokens = token_scan.tokens_in(path, telling_tokens())
    found = detect(ModelFacts((family,), architecture, tokens))
    assert found.family == family
