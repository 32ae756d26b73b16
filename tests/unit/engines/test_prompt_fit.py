"""How large a prompt is: pictures of tokens, one letter each."""

from __future__ import annotations

import pytest

from starcoder_lsp.engines.prompt_fit import (
    Cut,
    Fitted,
    Part,
    fit,
    parts_of,
    prompt_budget,
    shortened,
)
from starcoder_lsp.errors import ModelBroken
from starcoder_lsp.flow import Control, Group, Prompt, Text

CUTS: dict[str, Cut] = {"S": "end", "P": "start"}


def pictured(picture: str) -> list[Part]:
    """Words of letters: digits are snippets, S the suffix, P the prefix, others stay."""
    return [
        Part(
            numbered(word), "whole" if word[0].isdigit() else CUTS.get(word[0], "never")
        )
        for word in picture.split()
    ]


def numbered(word: str) -> list[int]:
    """A letter's tokens differ by their place, so that a cut start shows."""
    return [ord(letter) * 1000 + i for i, letter in enumerate(word)]


def drawn(tokens: list[int]) -> str:
    return "".join(chr(token // 1000) for token in tokens)


def starts(tokens: list[int]) -> int:
    """How much of the prefix's start was cut."""
    return next(token % 1000 for token in tokens if token // 1000 == ord("P"))


def fitted(picture: str, budget: int, affordable: float, *caches: Fitted) -> Fitted:
    held = [cache.tokens for cache in caches]
    return fit(pictured(picture), budget, held, lambda n_prompt: affordable)


LONG = "r 11111111 22222222 f " + "S" * 100 + " m " + "P" * 200


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (30, "r1112223fSSSSmPPPPPPPP"),
        (21, "r2223fSSSSmPPPPPPPP"),
        (18, "r3fSSSSmPPPPPPPP"),
        (16, "r3fSSSSmPPPPPPPP"),
        (15, "rfSSSSmPPPPPPPP"),
        (13, "rfSSSmPPPPPPP"),
        (12, "rfSSSmPPPPPP"),
        (9, "rfSSmPPPP"),
        (7, "rfSmPPP"),
    ],
)
def test_snippets_go_first_then_the_suffix_then_the_prefix(
    budget: int, expected: str
) -> None:
    tokens = shortened(pictured("r 111 222 3 f SSSS m PPPPPPPP"), budget)
    assert drawn(tokens) == expected


def test_the_suffix_keeps_its_share() -> None:
    tokens = shortened(pictured("S" * 80 + " m " + "P" * 80), 101)
    assert drawn(tokens) == "S" * 25 + "m" + "P" * 68


def test_the_start_of_a_prefix_that_is_too_long_moves_in_steps() -> None:
    cuts = {starts(shortened(pictured("P" * n), 100)) for n in range(200, 210)}
    assert len(cuts) <= 2


def test_a_prompt_that_fits_is_not_cut() -> None:
    assert drawn(shortened(pictured("11 SS PP"), 10)) == "11SSPP"


def test_marks_inside_of_a_text_are_cut_with_it() -> None:
    whole, in_parts = "f SSSSSSSSSSSS m PPPPPPPP", "f SSSSS SSSSSSS m PPP PPPPP"
    for budget in range(3, 23):
        one, other = fitted(whole, budget, 999), fitted(in_parts, budget, 999)
        assert drawn(one.tokens) == drawn(other.tokens)


def test_what_cannot_be_cut_has_to_fit() -> None:
    with pytest.raises(ModelBroken, match="3 tokens longer"):
        shortened(pictured("rrrrr"), 2)


def test_with_time_enough_the_whole_prompt_is_read() -> None:
    one = fitted(LONG, 1000, affordable=400)
    assert one.tokens == one.whole
    assert len(one.whole) == 319


def test_with_little_time_a_smaller_prompt_is_read_and_the_whole_one_kept_in_mind() -> (
    None
):
    one = fitted(LONG, 400, affordable=120)
    assert 64 <= len(one.tokens) <= 100
    assert len(one.whole) == 319


def test_only_tokens_that_are_in_no_cache_count() -> None:
    whole = fitted(LONG, 400, affordable=1000)
    one = fitted(LONG + "P", 400, 5, whole)
    assert one.tokens == one.whole


def test_while_typing_the_small_prompt_moves_its_start_in_steps() -> None:
    cuts = set()
    cache = fitted(LONG, 400, affordable=120)
    for n in range(1, 10):
        cache = fitted(LONG + "P" * n, 400, 120, cache)
        cuts.add(starts(cache.tokens))
    assert len(cuts) <= 2


def test_where_nothing_is_affordable_the_least_new_tokens_are_read() -> None:
    whole = fitted(LONG, 400, affordable=1000)
    one = fitted(LONG + "P" * 30, 400, 10, whole)
    assert one.tokens == one.whole
    assert len(fitted(LONG, 600, affordable=10).tokens) <= 75


def test_no_target_means_the_whole_prompt() -> None:
    assert drawn(fit(pictured("11 SS PP"), 10).tokens) == "11SSPP"


CONTROLS = {"<suffix>": 1, "<prefix>": 2}
PROMPT = Prompt(
    (
        Group((Control("<suffix>"), Text("ab"))),
        Control("<prefix>"),
        Text("cd", "start"),
    )
)


def letters(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def test_a_prompt_becomes_parts_with_any_tokenizer() -> None:
    assert parts_of(PROMPT, letters, CONTROLS.get, [0]) == [
        Part([0], "never"),
        Part([1, *letters("ab")], "whole"),
        Part([2], "never"),
        Part(letters("cd"), "start"),
    ]


def test_a_control_token_that_the_model_lacks_is_named() -> None:
    with pytest.raises(ModelBroken, match="<prefix>"):
        parts_of(PROMPT, letters, {"<suffix>": 1}.get)


@pytest.mark.parametrize(
    ("n_answer", "budget"), [(0, 999), (100, 899), (500, 499), (5000, 499)]
)
def test_half_of_the_context_is_for_the_prompt(n_answer: int, budget: int) -> None:
    assert prompt_budget(1000, n_answer) == budget
