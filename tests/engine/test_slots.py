"""The tokens that a keystroke evaluates, in one file and between several."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from starcoder_lsp.completion.prompt import Window, build_prompt, families
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.flow import Cursor, Document, Limits, Prompt, Text, Usage
from starcoder_lsp.languages.lines import n_common

LIMITS = Limits(max_tokens=2, time_budget_ms=60_000)
FAMILY = families()["starcoder2"]


@pytest.fixture(scope="module")
def tiny(tiny_starcoder2: Path) -> LlamaModel:
    library.set_up()
    return LlamaModel(tiny_starcoder2, overrides=FAMILY.overrides)


@pytest.fixture
def session(tiny: LlamaModel) -> LlamaSession:
    return LlamaSession(tiny, n_context=2048, n_threads=2)


def file(name: str, n_functions: int = 40) -> str:
    return "".join(
        f"def {name}_{n}(x):\n    return {name} + {n}\n\n\n" for n in range(n_functions)
    )


def ask(session: LlamaSession, prompt: Prompt) -> Usage:
    return list(session.generate(prompt, LIMITS, lambda: False))[-1].usage


def said(session: LlamaSession, prompt: Prompt) -> tuple[str, float]:
    """A text and how likely it was: what the model read shows in both."""
    pieces = list(session.generate(prompt, Limits(8, 60_000), lambda: False))
    likely = pieces[-1].usage.log_probability
    return "".join(piece.text for piece in pieces), likely


def prompt_at(before: str, after: str, layout: str = "auto") -> Prompt:
    cursor = Cursor(Document(before + after), len(before))
    return build_prompt(cursor, FAMILY, Window.of_tokens(1000), layout=layout)


def keystrokes(text: str) -> Iterator[str]:
    return (text[:n] for n in range(1, len(text) + 1))


def costs(session: LlamaSession, layout: str) -> list[int]:
    """Tokens evaluated per keystroke on one line in the middle of a file."""
    before, after = file("one"), "\n" + file("two")
    ask(session, prompt_at(before, after, layout))
    line = "    return function_5(value) + self.other"
    prompts = (prompt_at(before + typed, after, layout) for typed in keystrokes(line))
    return [ask(session, prompt).evaluated_tokens for prompt in prompts]


def test_a_keystroke_evaluates_one_or_two_tokens(session: LlamaSession) -> None:
    evaluated = costs(session, "auto")
    assert sum(evaluated) / len(evaluated) <= 2
    assert max(evaluated) <= 4


def test_a_keystroke_evaluates_as_little_if_the_suffix_is_too_long_for_the_context(
    tiny: LlamaModel,
) -> None:
    session = LlamaSession(tiny, n_context=1024, n_threads=2)
    table = "".join(f"    {n * 7919 % 997}, {n * 104729 % 991},\n" for n in range(400))
    before, evaluated = file("one"), []
    ask(session, prompt_at(before, table))
    for typed in keystrokes("    return function_5(value) + self.other"):
        evaluated.append(
            ask(session, prompt_at(before + typed, table)).evaluated_tokens
        )
    assert sorted(evaluated)[len(evaluated) * 9 // 10] <= 3


def test_a_prefix_first_prompt_evaluates_the_suffix_again(
    session: LlamaSession,
) -> None:
    assert min(costs(session, "psm")) > 100


def test_a_new_line_evaluates_only_its_own_tokens(session: LlamaSession) -> None:
    ask(session, prompt_at(file("one") + "x = 1", "\n" + file("two")))
    usage = ask(session, prompt_at(file("one") + "x = 1\n", "\n" + file("two")))
    assert usage.evaluated_tokens <= 3


def test_going_back_to_another_file_evaluates_nothing_again(
    session: LlamaSession,
) -> None:
    one = prompt_at(file("one"), "\nend")
    two = prompt_at(file("two"), "\nend")
    ask(session, one)
    assert ask(session, two).evaluated_tokens > 500
    for prompt in (one, two, one, two):
        assert ask(session, prompt).evaluated_tokens == 1


def test_the_least_recently_used_document_loses_its_slot(session: LlamaSession) -> None:
    prompts = [prompt_at(file(name), "\nend") for name in ("a", "b", "c", "d")]
    for prompt in prompts:
        ask(session, prompt)
    assert [ask(session, prompt).evaluated_tokens > 1 for prompt in prompts[1:]] == [
        False,
        False,
        False,
    ]
    assert ask(session, prompts[0]).evaluated_tokens > 1


def test_a_context_that_two_documents_share_is_copied(session: LlamaSession) -> None:
    shared = file("shared", 20)
    one = Prompt((Text(shared), Text(file("one", 40))))
    two = Prompt((Text(shared), Text(file("two", 40))))
    ask(session, one)
    first = ask(session, two)
    assert first.evaluated_tokens < first.prompt_tokens * 0.8
    assert ask(session, one).evaluated_tokens == 1


def test_answers_do_not_depend_on_the_order_of_documents(tiny: LlamaModel) -> None:
    choose = random.Random(0)
    used = LlamaSession(tiny, n_context=1024, n_threads=2)
    texts = [file(name, 20) for name in ("a", "b", "c", "d")]
    for _ in range(40):
        text = choose.choice(texts)
        cut = choose.randrange(1, len(text))
        is_over = iter([False] * choose.randrange(60))
        list(
            used.generate(
                prompt_at(text[:cut], text[cut:]),
                LIMITS,
                lambda is_over=is_over: next(is_over, True),  # type: ignore[misc]  # bound now
            )
        )
    for text in texts:
        prompt = prompt_at(text[:700], text[700:])
        fresh = LlamaSession(tiny, n_context=1024, n_threads=2)
        (text, likely), (used_text, used_likely) = (
            said(fresh, prompt),
            said(used, prompt),
        )
        assert used_text == text
        assert used_likely == pytest.approx(likely, abs=0.05)


def test_the_rest_of_a_prompt_is_read_in_idle_time(
    session: LlamaSession,
) -> None:
    prompt = prompt_at(file("one"), "\nend")
    late = list(session.generate(prompt, Limits(2, 0), lambda: False))[-1].usage
    assert late.finish_reason == "time"
    session.read_on(lambda: False)
    assert ask(session, prompt).evaluated_tokens == 1


def test_reading_in_idle_time_stops_for_a_request(session: LlamaSession) -> None:
    prompt = prompt_at(file("one"), "\nend")
    list(session.generate(prompt, Limits(2, 0), lambda: False))
    session.read_on(lambda: True)
    assert ask(session, prompt).evaluated_tokens > 100


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [([], [1], 0), ([1], [1], 1), ([1, 2, 3], [1, 2, 4], 2), ([2], [1], 0)],
)
def test_common_beginnings_are_counted(
    ours: list[int], theirs: list[int], expected: int
) -> None:
    assert n_common(ours, theirs) == n_common(theirs, ours) == expected
