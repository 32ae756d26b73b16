from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.context.pack import Slots, cost, pack
from starcoder_lsp.context.pieces import Piece, numbered
from starcoder_lsp.flow import Snippet

PLENTY = 10_000


def piece(text: str, score: float = 1, path: str = "a.py", line: int = 0) -> Piece:
    return Piece(path, numbered(line, text), "similar", score=score)


def test_lines_that_say_nothing_new_are_left_out() -> None:
    (snippet,) = pack([piece("known = 1\nfresh = 2\nknown = 3")], {"known"}, PLENTY)
    assert snippet.text == "fresh = 2"


def test_the_second_piece_that_says_the_same_is_left_out() -> None:
    (snippet,) = pack(
        [piece("fresh = 1", 2), piece("fresh = 2", 1, "b.py")], (), PLENTY
    )
    assert snippet.path == "a.py"


def test_the_best_pieces_come_before_the_budget_ends() -> None:
    pieces = [piece("worst = 1", 1, "a.py"), piece("best = 1", 2, "b.py")]
    assert [each.path for each in pack(pieces, (), 20)] == ["b.py"]


def test_lines_of_one_file_stand_in_its_order() -> None:
    pieces = [piece("late = 1", 2, line=9), piece("early = 1", 1, line=3)]
    (snippet,) = pack(pieces, (), PLENTY)
    assert snippet.text == "early = 1\nlate = 1"
    assert (snippet.first_line, snippet.last_line) == (3, 9)


def test_a_whole_piece_keeps_its_old_lines() -> None:
    whole = replace(piece("known = 1"), is_whole=True)
    assert [each.text for each in pack([whole], {"known"}, PLENTY)] == ["known = 1"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.text("xy =\n", max_size=40))),
    st.integers(0, 200),
)
def test_no_budget_is_exceeded(parts: list[tuple[str, str]], budget: int) -> None:
    packed = pack([piece(text, path=path) for path, text in parts], (), budget)
    assert sum(len(each.path) + len(each.text) + 2 for each in packed) <= budget


def snippet(path: str, text: str = "text", score: float = 1) -> Snippet:
    return Snippet(path, text, score=score)


def test_snippets_stay_while_the_user_types() -> None:
    slots = Slots()
    first = slots.settle([snippet("a"), snippet("b")], PLENTY, is_paused=False)
    later = slots.settle([snippet("c"), snippet("a")], PLENTY, is_paused=False)
    assert later == first


def test_what_is_clearly_better_comes_behind_what_stays() -> None:
    slots = Slots()
    slots.settle([snippet("a"), snippet("b")], PLENTY, is_paused=False)
    better = snippet("c", "members", score=3)
    kept = slots.settle([better], PLENTY, is_paused=False)
    assert [each.path for each in kept] == ["a", "b", "c"]


def test_the_last_one_makes_room_for_what_is_clearly_better() -> None:
    slots = Slots()
    slots.settle([snippet("a"), snippet("b")], PLENTY, is_paused=False)
    budget = cost(snippet("a")) + cost(snippet("c"))
    kept = slots.settle([snippet("c", score=3)], budget, is_paused=False)
    assert [each.path for each in kept] == ["a", "c"]


def test_after_a_pause_only_what_is_wanted_is_shown_and_the_rest_keeps_its_order() -> (
    None
):
    slots = Slots()
    slots.settle([snippet("a"), snippet("b"), snippet("c")], PLENTY, is_paused=True)
    wanted = [snippet("d"), snippet("c"), snippet("a")]
    kept = slots.settle(wanted, PLENTY, is_paused=True)
    assert [each.path for each in kept] == ["a", "c", "d"]


def test_a_smaller_budget_is_kept_to_at_once() -> None:
    slots = Slots()
    slots.settle([snippet("a"), snippet("b")], PLENTY, is_paused=True)
    kept = slots.settle([snippet("a")], cost(snippet("a")), is_paused=False)
    assert [each.path for each in kept] == ["a"]
