"""Batches of several texts give the same scores as single texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from starcoder_lsp.engines.llama.decode.sampling import log_sum_exp
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaContext, LlamaModel
from starcoder_lsp.engines.llama.native.threads import Threads
from starcoder_lsp.flow import Limits, Prompt, Text

CODE = "def below_zero(operations):\n    balance = 0\n    for op in operations:\n"
PROMPT = Prompt((Text(CODE + "        balance += op\n        if balance < 0:"),), "\n")
LINE = Limits(24, 60_000, one_line=True)


@pytest.fixture(scope="module")
def real(smollm2: Path) -> LlamaModel:
    library.set_up()
    return LlamaModel(smollm2)


@pytest.fixture(scope="module")
def tiny(tiny_starcoder2: Path) -> LlamaModel:
    library.set_up()
    return LlamaModel(tiny_starcoder2)


@pytest.fixture(scope="module", params=[1, 3])
def session(tiny: LlamaModel, request: pytest.FixtureRequest) -> LlamaSession:
    return LlamaSession(tiny, n_context=512, n_threads=1, n_slots=request.param)


def never() -> bool:
    return False


def alone(model: LlamaModel, text: str) -> float:
    """The log-probability of `text` after the prompt, one token after another."""
    context = LlamaContext(
        model,
        n_context=512,
        n_sequences=1,
        n_batch=128,
        threads=Threads((1,)),
        should_abort=never,
    )
    (segment,) = PROMPT.segments
    assert isinstance(segment, Text)
    before = model.vocabulary.encode(segment.text)
    context.evaluate([(0, i, token) for i, token in enumerate(before)])
    total = 0.0
    for i, token in enumerate(model.vocabulary.encode(PROMPT.held_back + text)):
        logits = context.logits()
        total += float(logits[token]) - log_sum_exp(logits)
        context.evaluate([(0, len(before) + i, token)])
    return total


def test_lines_are_different_and_the_likeliest_comes_first(real: LlamaModel) -> None:
    session = LlamaSession(real, n_context=256, n_threads=2)
    found = session.candidates(PROMPT, LINE, 3, never)
    assert [one.text for one in found[:2]] == [
        "            break",
        "            return False",
    ]
    likely = [one.log_probability for one in found]
    assert likely == sorted(likely, reverse=True)


def test_scores_equal_those_of_reading_each_text_by_itself(
    tiny: LlamaModel, session: LlamaSession
) -> None:
    texts = ["            break\n", "            return False\n", "x = 1\n" * 3, ""]
    scores = session.score(PROMPT, texts, LINE, never)
    expected = [pytest.approx(alone(tiny, text), rel=0.01) for text in texts]
    assert [score.log_probability for score in scores] == expected


def test_more_texts_than_fit_into_one_batch_are_scored_too(
    session: LlamaSession,
) -> None:
    texts = [f"            return {n}\n" for n in range(11)]
    together = session.score(PROMPT, texts, LINE, never)
    last = session.score(PROMPT, texts[-1:], LINE, never)[0]
    assert len(together) == 11
    assert together[-1].log_probability == pytest.approx(last.log_probability, rel=0.02)


def test_each_candidate_continues_its_own_line(session: LlamaSession) -> None:
    lines = session.candidates(PROMPT, LINE, 3, never)
    blocks = session.candidates(PROMPT, Limits(24, 60_000), 3, never)
    assert all(
        block.text.startswith(line.text)
        for line, block in zip(lines, blocks, strict=True)
    )
    assert any(
        len(block.text) > len(line.text)
        for line, block in zip(lines, blocks, strict=True)
    )


def test_a_search_does_not_change_later_answers(session: LlamaSession) -> None:
    def text() -> str:
        pieces = session.generate(PROMPT, Limits(12, 60_000), never)
        return "".join(piece.text for piece in pieces)

    before = text()
    session.candidates(PROMPT, LINE, 3, never)
    assert text() == before


def after(n_polls: int) -> Callable[[], bool]:
    left = iter(range(n_polls))
    return lambda: next(left, None) is None


@pytest.mark.parametrize("n_polls", [0, 3, 300, 2000])
def test_a_stopped_search_does_not_change_the_next_one(
    session: LlamaSession, n_polls: int
) -> None:
    whole = session.candidates(PROMPT, LINE, 3, never)
    assert len(whole) == 3
    session.candidates(PROMPT, LINE, 3, after(n_polls))
    assert session.candidates(PROMPT, LINE, 3, never) == whole
