"""Scores, prefills, prompts that are too long to read, and aborts, with a real KV cache."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from starcoder_lsp.completion.prompt import families
from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.llama.decode.drafting import DraftPolicy, Guess
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.infill_sampler import InfillSampler
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import Group, Limits, Prompt, Text, Usage

LIMITS = Limits(8, 600_000)
CODE = "".join(f"def function_{n}(x):\n    return x + {n}\n\n\n" for n in range(60))


@pytest.fixture(scope="module")
def tiny(tiny_starcoder2: Path) -> LlamaModel:
    library.set_up()
    return LlamaModel(tiny_starcoder2, overrides=families()["starcoder2"].overrides)


@pytest.fixture(scope="module")
def real(smollm2: Path) -> LlamaModel:
    library.set_up()
    return LlamaModel(smollm2)


def session_of(
    model: LlamaModel, n_slots: int = 3, n_reserved: int = 0
) -> LlamaSession:
    return LlamaSession(
        model, n_context=2048, n_threads=1, n_slots=n_slots, n_reserved=n_reserved
    )


def never() -> bool:
    return False


def after(n_polls: int) -> Callable[[], bool]:
    polls = count()
    return lambda: next(polls) > n_polls


def prompt_of(*texts: str) -> Prompt:
    return Prompt(tuple(Text(text, "start") for text in texts))


def asked(session: LlamaSession, prompt: Prompt, limits: Limits = LIMITS) -> Usage:
    return list(session.generate(prompt, limits, never))[-1].usage


def said(session: LlamaSession, prompt: Prompt) -> tuple[str, float]:
    """A text and how likely it was: what the model read shows in both."""
    pieces = list(session.generate(prompt, LIMITS, never))
    likely = pieces[-1].usage.log_probability
    return "".join(piece.text for piece in pieces), likely


def test_a_score_is_the_sum_of_the_scores_of_its_tokens(tiny: LlamaModel) -> None:
    session = session_of(tiny)
    [both] = session.score(prompt_of(CODE), ["x = 1\ny = 2\n"], LIMITS, never)
    [first] = session.score(prompt_of(CODE), ["x = 1\n"], LIMITS, never)
    [second] = session.score(prompt_of(CODE, "x = 1\n"), ["y = 2\n"], LIMITS, never)
    assert both.n_tokens == first.n_tokens + second.n_tokens
    total = first.log_probability + second.log_probability
    assert both.log_probability == pytest.approx(total, abs=0.01)


def test_scores_do_not_depend_on_each_other(tiny: LlamaModel) -> None:
    session = session_of(tiny)
    texts = ["x = 1\n", "", "def f():\n    pass\n" * 20]
    together = session.score(prompt_of(CODE), texts, LIMITS, never)
    assert together[1].log_probability == together[1].n_tokens == 0
    for text, score in zip(texts, together, strict=True):
        [alone] = session.score(prompt_of(CODE), [text], LIMITS, never)
        assert alone.log_probability == pytest.approx(score.log_probability, abs=0.01)


def test_a_generated_text_has_the_score_of_its_generation(real: LlamaModel) -> None:
    session = session_of(real)
    prompt = prompt_of("def add(a, b):\n    return")
    pieces = list(session.generate(prompt, LIMITS, never))
    text = "".join(piece.text for piece in pieces)
    [score] = session.score(prompt, [text], LIMITS, never)
    written = pieces[-1].usage
    assert score.n_tokens == written.generated_tokens
    assert score.log_probability == pytest.approx(written.log_probability, abs=0.5)


def test_scores_that_exceed_their_time_are_an_error(tiny: LlamaModel) -> None:
    with pytest.raises(EngineError, match="in time"):
        session_of(tiny).score(prompt_of(CODE), ["x"], Limits(0, 0), never)


def test_a_prefill_alone_reads_the_same_prompt_as_an_answer(tiny: LlamaModel) -> None:
    session = session_of(tiny, n_reserved=8)
    prompt = prompt_of(CODE * 3)
    asked(session, prompt, Limits(0, 600_000))
    assert asked(session, prompt).evaluated_tokens == 1


# Reads slowly; what writing costs is another test's matter.
SLOW = Speed(prefill_tokens_per_s=1000, decode_tokens_per_s=1e6)
IN_TIME = Limits(8, 600_000, latency_target_ms=300)


def many_snippets() -> Prompt:
    groups = [Group((Text(f"# file {n}\n{CODE[:600]}"),)) for n in range(6)]
    return Prompt((*groups, Text(CODE[600:2400], "end"), Text(CODE, "start")))


def test_a_prompt_is_shortened_to_the_time_and_read_whole_later(
    tiny: LlamaModel,
) -> None:
    session = session_of(tiny)
    session.speed = SLOW
    first = asked(session, many_snippets(), IN_TIME)
    assert 150 < first.evaluated_tokens == first.prompt_tokens <= 300
    again = asked(session, many_snippets(), IN_TIME)
    assert (again.prompt_tokens, again.evaluated_tokens) == (first.prompt_tokens, 1)
    session.read_on(never)
    whole = asked(session, many_snippets(), IN_TIME)
    assert whole.prompt_tokens > 1000
    assert whole.evaluated_tokens == 1


def test_a_prefill_alone_begins_with_the_prompt_that_a_request_would_read(
    tiny: LlamaModel,
) -> None:
    session = session_of(tiny)
    session.speed = SLOW
    asked(session, many_snippets(), replace(IN_TIME, max_tokens=0))
    first = asked(session, many_snippets(), IN_TIME)
    assert (first.evaluated_tokens, first.prompt_tokens <= 300) == (1, True)


def test_an_abort_on_a_slow_machine_loses_a_small_batch(tiny: LlamaModel) -> None:
    session = session_of(tiny)
    session.speed = Speed(prefill_tokens_per_s=40, decode_tokens_per_s=4)
    prompt = prompt_of(CODE[:600])
    pieces = session.generate(prompt, LIMITS, lambda: len(session._slot.tokens) >= 100)
    assert list(pieces)[-1].usage.finish_reason == "cancelled"
    usage = asked(session, prompt)
    assert 1 < usage.evaluated_tokens <= usage.prompt_tokens - 100


def test_a_session_of_unknown_speed_reads_a_short_prompt(tiny: LlamaModel) -> None:
    session = session_of(tiny)
    usage = asked(session, many_snippets(), IN_TIME)
    assert 64 <= usage.evaluated_tokens == usage.prompt_tokens <= 150


def test_scores_read_no_more_than_the_answer(tiny: LlamaModel) -> None:
    session = session_of(tiny)
    session.speed = SLOW
    asked(session, many_snippets(), IN_TIME)
    n_read = sum(map(len, session._caches.slots.caches))
    session.score(many_snippets(), ["x = 1\n"], IN_TIME, never)
    assert sum(map(len, session._caches.slots.caches)) < n_read + 50


def test_reading_in_idle_time_keeps_the_cache_of_the_short_prompt(
    tiny: LlamaModel,
) -> None:
    session = session_of(tiny)
    session.speed = SLOW
    first = asked(session, many_snippets(), IN_TIME)
    session.read_on(after(3))
    again = asked(session, many_snippets(), IN_TIME)
    assert (again.prompt_tokens, again.evaluated_tokens) == (first.prompt_tokens, 1)


def test_the_infill_sampler_ends_where_the_model_is_unsure(tiny: LlamaModel) -> None:
    choose = InfillSampler(tiny.vocabulary)
    logits = np.zeros(tiny.vocabulary.n_tokens, np.float32)
    logits[1000] = 30
    assert choose(logits) == 1000
    logits[1000:1030] = 30
    assert tiny.vocabulary.is_end(choose(logits))
    limits = Limits(8, 600_000, stops_when_unsure=True)
    assert asked(session_of(tiny), prompt_of(CODE), limits).finish_reason == "stop"


def test_a_sure_model_generates_the_same_text_with_both_samplers(
    real: LlamaModel,
) -> None:
    prompt = prompt_of("one = 1\ntwo = 2\nthree = 3\nfour =")
    unsure = Limits(1, 600_000, stops_when_unsure=True)
    session = session_of(real)
    pieces = list(session.generate(prompt, unsure, never))
    assert pieces[0].text == next(session.generate(prompt, LIMITS, never)).text


def test_no_abort_changes_later_answers(
    tiny: LlamaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 aborts: in prefills, single tokens, drafts, candidates and scores."""

    def bold(self: DraftPolicy, guess: Guess, n_most: int) -> int:
        return max(min(len(guess.tokens), n_most), 0)

    monkeypatch.setattr(DraftPolicy, "n_worthwhile", bold)
    choose = random.Random(0)
    used = session_of(tiny)
    text, likely = said(session_of(tiny), prompt_of(CODE))
    for turn in range(200):
        start = choose.choice((0, 35, 700))
        prompt = prompt_of(CODE[start : start + choose.randrange(1, 2400)])
        is_over = after(choose.randrange(150))
        match turn % 4:
            case 0:
                used.candidates(prompt, LIMITS, 3, is_over)
            case 1:
                with contextlib.suppress(EngineError):
                    used.score(prompt, ["x = 1\n", "return None\n"], LIMITS, is_over)
            case _:
                list(used.generate(prompt, Limits(24, 600_000), is_over))
        if turn % 20 == 19:
            used_text, used_likely = said(used, prompt_of(CODE))
            assert used_text == text
            assert used_likely == pytest.approx(likely, abs=0.05)
