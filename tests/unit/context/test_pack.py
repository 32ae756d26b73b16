from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.context.pack import pack
from starcoder_lsp.context.pieces import Piece, numbered

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


def test_the_best_stands_last_nearest_to_the_cursor() -> None:
    pieces = [piece("best = 1", 2, "b.py"), piece("good = 1", 1, "a.py")]
    assert [each.path for each in pack(pieces, (), PLENTY)] == ["a.py", "b.py"]


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
