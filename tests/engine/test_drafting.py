"""Drafts: their tokens, their length, and that they do not change the text."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from random_model import VOCABULARY

from starcoder_lsp.completion.prompt import Window, build_prompt, families
from starcoder_lsp.engines.llama.decode import drafting
from starcoder_lsp.engines.llama.decode.drafting import DraftPolicy, Guess, PromptLookup
from starcoder_lsp.engines.llama.decode.sampling import Logits
from starcoder_lsp.engines.llama.decode.session import LlamaSession
from starcoder_lsp.engines.llama.native import library
from starcoder_lsp.engines.llama.native.library import LlamaModel
from starcoder_lsp.flow import Cursor, Limits, Prompt, Text

# Kernels for one token and for several round differently; what is nearer than this in
# logits may come out either way. SmolLM2's quantized layers amplify it.
ROUNDING_TINY, ROUNDING_SMOLLM2 = 0.005, 1.0
BLOCK = (
    "def {0}(x):\n    if x is None:\n        return {0}_default\n    return x + {0}\n\n"
)


def test_the_tokens_that_followed_the_same_tokens_are_guessed() -> None:
    assert PromptLookup([1, 2, 3, 4, 5, 9, 1, 2, 3]).guess(2) == Guess([4, 5], 3)


def test_the_last_of_several_places_counts() -> None:
    assert PromptLookup([1, 2, 7, 1, 2, 8, 1, 2]).guess(1).tokens == [8]


def test_a_longer_match_counts_more_than_a_later_one() -> None:
    text = [1, 2, 3, 4, 5, 6, 70, 5, 6, 80, 1, 2, 3, 4, 5, 6]
    assert PromptLookup(text).guess(1) == Guess([70], 6)


def test_a_repetition_is_guessed_to_continue() -> None:
    assert PromptLookup([7, 8, 7, 8]).guess(5) == Guess([7, 8, 7, 8, 7], 2)


def test_bytes_of_two_tokens_do_not_match_one_token() -> None:
    # 0x01000000 and its neighbours read as other tokens when cut in the middle.
    assert PromptLookup([1 << 24, 1, 1 << 8, 1 << 16, 1]).guess(1) == Guess()


@pytest.mark.parametrize("tokens", [[], [1], [1, 2], [1, 2, 3]])
def test_nothing_repeats_in_a_short_text(tokens: list[int]) -> None:
    assert PromptLookup(tokens).guess(4) == Guess()


def test_newly_generated_tokens_are_found_too() -> None:
    lookup = PromptLookup([1, 2])
    for token in (5, 6, 1, 2):
        lookup.append(token)
    assert lookup.guess(2).tokens == [5, 6]


def economy(per_token: float, is_right: bool, n_seen: int = 40) -> DraftPolicy:
    """One that saw a batch of n cost 1 + n times `per_token`."""
    seen = DraftPolicy()
    for n in (1, 1, 1, 2, 4, 8, 1):
        seen.costs.saw(n, 1 + per_token * n)
    for _ in range(n_seen):
        for n_matched in range(2, 25):
            seen.saw_guess(n_matched, is_right)
    return seen


GUESS = Guess(list(range(16)), 3)


def test_right_guesses_are_worth_a_long_draft() -> None:
    assert economy(0.1, is_right=True).n_worthwhile(GUESS, 100) == 15


def test_a_draft_is_no_longer_than_the_room_for_it() -> None:
    assert economy(0.1, is_right=True).n_worthwhile(GUESS, 3) == 3


def test_wrong_guesses_are_not_worth_drafting() -> None:
    assert economy(0.1, is_right=False).n_worthwhile(GUESS, 100) == 0


def test_nothing_is_drafted_if_batches_cost_as_much_as_single_tokens() -> None:
    assert economy(100, is_right=True).n_worthwhile(GUESS, 100) == 0


def test_nothing_is_drafted_before_the_first_measurement() -> None:
    assert DraftPolicy().n_worthwhile(GUESS, 100) == 0


def test_after_a_long_time_without_drafts_an_expensive_batch_is_tried_again() -> None:
    seen = economy(100, is_right=True)
    for _ in range(2000):
        seen.costs.saw(1, 101)
    assert seen.n_worthwhile(GUESS, 100) > 0


def test_one_slow_batch_changes_little() -> None:
    seen = economy(0.1, is_right=True)
    before = seen.costs.of(1)
    seen.costs.saw(1, 1000)
    assert seen.costs.of(1) < before * 2


def gain(tokens: list[int], start: int, seen: DraftPolicy) -> float:
    """Plain cost over drafting cost, for a model that writes `tokens` from `start` on.

    A batch of n costs what SmolLM2 takes on two slow cores, in single tokens.
    """
    lookup, at, cost = PromptLookup(tokens[:start]), start, 0.0
    while at < len(tokens):
        lookup.append(tokens[at])
        at += 1
        guess = lookup.guess(16)
        n_drafted = seen.n_worthwhile(guess, len(tokens) - at - 1)
        batch = 0.55 + 0.45 * (n_drafted + 1)
        seen.costs.saw(n_drafted + 1, batch)
        cost += batch
        for row, (guessed, token) in enumerate(
            zip(guess.tokens, tokens[at:], strict=False)
        ):
            seen.saw_guess(guess.n_matched + row, guessed == token)
            if guessed != token or row == n_drafted:
                break
            lookup.append(token)
            at += 1
    return (len(tokens) - start) / cost


def test_drafting_is_faster_for_repetitive_text_and_not_slower_elsewhere() -> None:
    library.set_up()
    encode = LlamaModel(VOCABULARY, vocab_only=True).vocabulary.encode
    seen = DraftPolicy()
    names = ("alpha", "beta", "gamma", "delta")
    repeated = encode("".join(BLOCK.format(name) for name in names * 3))
    ordinary = encode(Path(drafting.__file__).read_text("utf-8"))
    assert gain(ordinary, len(ordinary) // 3, seen) > 0.97
    assert gain(repeated, len(repeated) // 2, seen) > 1.5
    assert gain(ordinary, len(ordinary) // 3, seen) > 0.97


class Recorder:
    """Chooses greedily and remembers by how much."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.margins: list[float] = []

    def __call__(self, logits: Logits) -> int:
        second, first = np.partition(logits, -2)[-2:]
        self.tokens.append(int(logits.argmax()))
        self.margins.append(float(first - second))
        return self.tokens[-1]


def record(session: LlamaSession, text: str, n_tokens: int) -> Recorder:
    recorder = Recorder()
    session._choose = lambda limits: recorder  # type: ignore[method-assign]  # it has no other observer
    prompt = Prompt((Text(text, "start"),))
    list(session.generate(prompt, Limits(n_tokens, 600_000), lambda: False))
    return recorder


def assert_same(plain: Recorder, drafting: Recorder, rounding: float) -> None:
    """Check that two texts are equal up to a tie between two tokens."""
    assert plain.tokens
    pairs = zip(plain.tokens, drafting.tokens, plain.margins, strict=False)
    parted = [margin for ours, theirs, margin in pairs if ours != theirs]
    if parted:
        assert parted[0] < rounding
    else:
        assert len(plain.tokens) == len(drafting.tokens)


@pytest.fixture
def bold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that can be guessed is drafted."""

    def all_of_it(self: DraftPolicy, guess: Guess, n_most: int) -> int:
        return max(min(len(guess.tokens), n_most), 0)

    monkeypatch.setattr(DraftPolicy, "n_worthwhile", all_of_it)


def repetitive(choose: random.Random) -> Iterator[str]:
    names = ["alpha", "beta", "gamma", "delta"]
    while True:
        blocks = [BLOCK.format(choose.choice(names)) for _ in range(8)]
        text = "".join(blocks)
        yield text[choose.randrange(80) : len(text) - choose.randrange(80)]


@pytest.mark.usefixtures("bold")
def test_drafts_do_not_change_the_text(tiny_starcoder2: Path) -> None:
    assert_drafts_change_nothing(tiny_starcoder2, 40, ROUNDING_TINY)


@pytest.mark.usefixtures("bold")
def test_drafts_do_not_change_the_text_of_a_real_model(smollm2: Path) -> None:
    assert_drafts_change_nothing(smollm2, 4, ROUNDING_SMOLLM2)


def assert_drafts_change_nothing(path: Path, n_texts: int, rounding: float) -> None:
    library.set_up()
    model = LlamaModel(path)
    plain, drafted = (
        LlamaSession(model, n_context=1024, n_threads=2, n_slots=1, drafts=drafts)
        for drafts in (False, True)
    )
    for text in itertools.islice(repetitive(random.Random(0)), n_texts):
        assert_same(record(plain, text, 24), record(drafted, text, 24), rounding)


@pytest.mark.usefixtures("bold")
def test_repetitive_text_takes_fewer_batches(smollm2: Path) -> None:
    library.set_up()
    session = LlamaSession(LlamaModel(smollm2), n_context=1024, n_threads=2, n_slots=1)
    n_batches = 0
    evaluate = session._caches.context.evaluate

    def counted(*arguments: object) -> bool:
        nonlocal n_batches
        n_batches += 1
        return evaluate(*arguments)  # type: ignore[arg-type]  # passed on

    session._caches.context.evaluate = counted  # type: ignore[method-assign,assignment]  # it has no other observer
    block = BLOCK.format("alpha")
    pieces = session.generate(
        Prompt((Text(block * 6 + block[:20]),)), Limits(40, 600_000), lambda: False
    )
    assert list(pieces)[-1].usage.generated_tokens == 40
    assert n_batches < 20


def test_drafts_also_come_from_text_that_the_prompt_has_no_room_for() -> None:
    block = BLOCK.format("alpha")
    cursor = Cursor.marked(block + "\n" * 99 + block[:40] + "█")
    prompt = build_prompt(cursor, families()["starcoder2"], Window(60, 0))
    assert block[:40] in prompt.beyond
    read = [part.text for part in prompt.segments if isinstance(part, Text)]
    assert read[-1].endswith(block[:40])
    assert not any(block[40:] in text for text in read)
