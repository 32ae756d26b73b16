"""The session with a real tokenizer, a real KV cache and real aborts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest
from random_model import VOCABULARY

from starcoder_lsp.completion.prompt import families
from starcoder_lsp.engines.llama.decode.decoding import Speller
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.machine.capacity import N_BATCH
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel, Row
from starcoder_lsp.engines.llama.native.vocabulary import Vocabulary
from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.flow import Control, Limits, Piece, Prompt, Text, Usage

LIMITS = Limits(max_tokens=12, time_budget_ms=60_000)
CODE = "".join(f"def function_{n}(x):\n    return x + {n}\n" for n in range(60))


@pytest.fixture(scope="module", autouse=True)
def llama_cpp() -> None:
    library.set_up()


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return LlamaModel(VOCABULARY, vocab_only=True).vocabulary


@pytest.fixture(scope="module")
def tiny(tiny_starcoder2: Path) -> LlamaModel:
    return LlamaModel(tiny_starcoder2, overrides=families()["starcoder2"].overrides)


@pytest.fixture(scope="module")
def real(smollm2: Path) -> LlamaModel:
    return LlamaModel(smollm2)


def session_of(model: LlamaModel) -> LlamaSession:
    return LlamaSession(model, n_context=2048, n_threads=2)


def never() -> bool:
    return False


def after(n_polls: int) -> Callable[[], bool]:
    """Says no so many times, then yes."""
    polls = count()
    return lambda: next(polls) > n_polls


def prompt_of(text: str, held_back: str = "") -> Prompt:
    return Prompt((Text(text, "start"),), held_back)


def said(
    session: LlamaSession,
    prompt: Prompt,
    limits: Limits = LIMITS,
    is_cancelled: Callable[[], bool] = never,
) -> tuple[str, Usage]:
    pieces: list[Piece] = list(session.generate(prompt, limits, is_cancelled))
    return "".join(piece.text for piece in pieces), pieces[-1].usage


def test_control_tokens_have_the_ids_of_the_paper(vocabulary: Vocabulary) -> None:
    names = [
        "<fim_prefix>",
        "<fim_middle>",
        "<fim_suffix>",
        "<repo_name>",
        "<file_sep>",
        "<jupyter_start>",
        "<jupyter_text>",
        "<jupyter_code>",
    ]
    ids = [vocabulary.control(name) for name in names]
    assert ids == [1, 2, 3, 5, 6, 10, 11, 12]
    assert set(names) == families()["starcoder2"].controls
    assert None not in map(vocabulary.control, families()["starcoder2"].stops)
    assert vocabulary.control("<no_such_token>") is None


def test_user_text_never_becomes_a_control_token(vocabulary: Vocabulary) -> None:
    tokens = vocabulary.encode("a<file_sep><fim_prefix><|endoftext|>")
    assert min(tokens) > 37
    assert (
        b"".join(map(vocabulary.bytes_of, tokens))
        == b"a<file_sep><fim_prefix><|endoftext|>"
    )


def test_tokens_agree_with_llama_cpps_own_list(vocabulary: Vocabulary) -> None:
    texts = VOCABULARY.with_suffix(".gguf.inp").read_text("utf-8")
    expected = VOCABULARY.with_suffix(".gguf.out").read_text("utf-8").splitlines()
    samples = [
        text.removeprefix("\n").removesuffix("\n")
        for text in texts.split("__ggml_vocab_test__")
    ]
    assert (len(expected), samples[-1]) == (46, "")
    for sample, line in zip(samples[:-1], expected, strict=True):
        assert vocabulary.encode(sample) == [int(token) for token in line.split()]


@pytest.mark.parametrize("text", ["é", "中文", "😀", "👩‍👩‍👧", "aé\n😀b"])
def test_a_character_made_of_several_tokens_is_emitted_whole(
    vocabulary: Vocabulary, text: str
) -> None:
    speller = Speller(vocabulary, "")
    pieces = [speller.spell(token) for token in vocabulary.encode(text)]
    assert "".join(pieces) == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_a_lone_surrogate_is_replaced(vocabulary: Vocabulary) -> None:
    assert b"".join(map(vocabulary.bytes_of, vocabulary.encode("a\ud800"))) == b"a?"


def test_file_sep_ends_the_answer_of_starcoder2(
    tiny: LlamaModel, tiny_starcoder2: Path
) -> None:
    assert all(tiny.vocabulary.is_end(token) for token in (0, 4, 5, 6))
    without = LlamaModel(tiny_starcoder2).vocabulary
    assert not without.is_end(6), "llama.cpp knows by itself: drop the overrides"


def test_the_next_keystroke_evaluates_one_token(tiny: LlamaModel) -> None:
    session = session_of(tiny)
    said(session, prompt_of(CODE + "x = a"))
    _, usage = said(session, prompt_of(CODE + "x = a."))
    assert usage.prompt_tokens > 500
    assert usage.evaluated_tokens == 1


def test_a_kept_cache_gives_the_same_answer_as_a_new_one(tiny: LlamaModel) -> None:
    used = session_of(tiny)
    for cut in (300, 900, 500, 1200, 901):
        said(used, prompt_of(CODE[:cut]))
    assert said(used, prompt_of(CODE))[0] == said(session_of(tiny), prompt_of(CODE))[0]


class Batches:
    """Counts the batches that a session has begun."""

    def __init__(self, session: LlamaSession) -> None:
        self.n_begun = 0
        context = session._caches.context
        evaluate = context.evaluate

        def counted(rows: Sequence[Row], n_logits: int = 1) -> bool:
            self.n_begun += 1
            return evaluate(rows, n_logits)

        context.evaluate = counted  # type: ignore[method-assign]  # it has no other observer


@pytest.mark.parametrize("n_batches", [1, 2, 3])
def test_a_cancel_inside_the_prefill_leaves_a_usable_cache(
    tiny: LlamaModel, n_batches: int
) -> None:
    fresh, _ = said(session_of(tiny), prompt_of(CODE))
    session = session_of(tiny)
    batches = Batches(session)
    # A batch that has begun is polled only from inside llama.cpp.
    _, usage = said(
        session, prompt_of(CODE), is_cancelled=lambda: batches.n_begun >= n_batches
    )
    assert (usage.finish_reason, usage.generated_tokens) == ("cancelled", 0)
    assert len(session._slot.tokens) == (n_batches - 1) * N_BATCH
    text, usage = said(session, prompt_of(CODE))
    assert text == fresh
    assert usage.evaluated_tokens == usage.prompt_tokens - (n_batches - 1) * N_BATCH


def test_the_time_budget_ends_a_prefill(tiny: LlamaModel) -> None:
    text, usage = said(session_of(tiny), prompt_of(CODE), Limits(12, time_budget_ms=0))
    assert (text, usage.finish_reason) == ("", "time")


def test_length_ends_the_answer(tiny: LlamaModel) -> None:
    _, usage = said(session_of(tiny), prompt_of(CODE), Limits(3, 60_000))
    assert (usage.finish_reason, usage.generated_tokens) == ("length", 3)


def test_a_long_prompt_is_cut_to_the_context(tiny: LlamaModel) -> None:
    session = LlamaSession(tiny, n_context=256, n_threads=1)
    prompt = Prompt(
        (
            Control("<fim_prefix>"),
            Text(CODE, "start"),
            Control("<fim_suffix>"),
            Text(CODE, "end"),
            Control("<fim_middle>"),
        )
    )
    _, usage = said(session, prompt)
    budget = session.n_context - LIMITS.max_tokens - 1
    assert budget * 3 / 4 < usage.prompt_tokens <= budget


def test_an_empty_prompt_is_answered(tiny: LlamaModel) -> None:
    assert said(session_of(tiny), prompt_of(""))[1].prompt_tokens == 1


@pytest.mark.parametrize("n_tokens", [1, 242, 243, 244, 255, 256, 257, 5000])
def test_a_prompt_of_any_length_is_answered(tiny: LlamaModel, n_tokens: int) -> None:
    session = LlamaSession(tiny, n_context=256, n_threads=1)
    text = "x" + " x" * (n_tokens - 1)
    assert len(tiny.vocabulary.encode(text)) == n_tokens
    _, usage = said(session, prompt_of(text))
    assert 1 <= usage.prompt_tokens <= session.n_context - LIMITS.max_tokens - 1
    assert usage.generated_tokens > 0


@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "\ud800", "<fim_suffix>", "<|endoftext|>" * 3, "\U0010ffff"]
)
def test_a_prompt_of_any_characters_is_answered(tiny: LlamaModel, text: str) -> None:
    session = session_of(tiny)
    assert said(session, prompt_of(text))[1].generated_tokens > 0
    assert said(session, prompt_of("x = 1", text))[1].finish_reason is not None


@pytest.mark.parametrize("max_tokens", [-1, 0, 1, 255, 256, 257, 10**9])
def test_answers_may_have_any_maximum_length(tiny: LlamaModel, max_tokens: int) -> None:
    session = LlamaSession(tiny, n_context=256, n_threads=1)
    _, usage = said(session, prompt_of(CODE), Limits(max_tokens, 60_000))
    assert usage.finish_reason == "length"
    n_written = usage.prompt_tokens + usage.generated_tokens
    assert 227 <= n_written <= session.n_context + 1
    limits = Limits(min(max_tokens, 300), 60_000)
    n_found = len(session.candidates(prompt_of(CODE), limits, 2, never))
    assert n_found == (2 if max_tokens > 0 else 0)


def test_a_control_token_the_model_lacks_is_an_error(real: LlamaModel) -> None:
    prompt = Prompt((Control("<fim_prefix>"),))
    with pytest.raises(ModelBroken, match="<fim_prefix>"):
        said(session_of(real), prompt)


@pytest.mark.parametrize(
    ("typed", "held"),
    [("return", ""), ("", "\n    return"), ("", "\n    re"), ("", "\n  ")],
)
def test_a_half_typed_word_is_continued(
    real: LlamaModel, typed: str, held: str
) -> None:
    start = "def fibonacci(n):\n    # The n-th number.\n    if n < 2:\n        return n"
    prompt = prompt_of(start + ("\n    " if typed else "") + typed, held)
    text, _ = said(session_of(real), prompt)
    # Which of two nearly equal continuations comes first is a matter of rounding.
    line = (typed + held + text).lstrip().split("\n")[0]
    assert line.startswith("return ")
    assert "fibonacci(n" in line


def test_the_answer_begins_with_the_held_back_text(
    tiny: LlamaModel,
) -> None:
    text, usage = said(session_of(tiny), prompt_of("x = ", "quux_zyzzy"))
    assert "quux" not in text
    assert usage.generated_tokens > 1


def test_every_spelling_of_a_held_back_text_is_considered(
    vocabulary: Vocabulary,
) -> None:
    spelled = {vocabulary.bytes_of(token) for token in vocabulary.agreeing(b" retu")}
    assert {b" ", b" r", b" re", b" ret", b" return", b" returns"} <= spelled
    assert all(b" retu".startswith(s) or s.startswith(b" retu") for s in spelled)
