from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.context.retrieve.excerpts import (
    Excerpt,
    ExcerptLine,
    LazyLines,
    numbered,
)
from starcoder_lsp.context.retrieve.pack import SPARE_CHARACTERS, pack

PLENTY = 10_000


def piece(text: str, score: float = 1, path: str = "a.py", line: int = 0) -> Excerpt:
    return Excerpt(path, numbered(line, text), "similar", score=score)


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


def test_what_only_people_read_is_no_reason_to_show_a_line() -> None:
    text = "# Fresh words.\n    All of these words are fresh.\nfresh = 2"
    assert [each.text for each in pack([piece(text)], (), PLENTY)] == ["fresh = 2"]


def test_lines_that_a_signature_holds_are_not_repeated() -> None:
    signature = ExcerptLine(0, "@cached\ndef size(self, unit):", "", "size")
    whole = piece("@cached\ndef size(self,\n    unit):\n    return 1")
    pieces = [
        Excerpt("a.py", (signature,), "members", score=2),
        replace(whole, is_whole=True),
    ]
    assert [each.text for each in pack(pieces, (), PLENTY)] == [
        "@cached\ndef size(self, unit):\n    return 1"
    ]


def one_line(*signatures: str, raw: str = "", score: float = 1) -> list[Excerpt]:
    """Pieces for what stands in line 0, a signature by the last name in it."""
    pieces = [
        Excerpt(
            "a.py",
            (ExcerptLine(0, text, "", text.split()[-1]),),
            "members",
            score=score,
        )
        for text in signatures
    ]
    return [*pieces, piece(raw, score / 2)] if raw else pieces


def test_members_in_the_line_of_their_type_stand_below_it() -> None:
    (snippet,) = pack(one_line("    int x", "class A", "    void f"), (), PLENTY)
    assert snippet.text == "class A\n    int x\n    void f"


def test_a_signature_of_several_names_is_shown_once() -> None:
    first, second = one_line("    X, Y int"), one_line("    X, Y int")
    second = [
        replace(each, lines=(replace(next(iter(each.lines)), signature_of="Y"),))
        for each in second
    ]
    known = {"X", "int"}
    assert [each.text for each in pack(first + second, known, PLENTY)] == [
        "    X, Y int"
    ]


def test_the_line_itself_stands_for_the_signatures_in_it() -> None:
    both = one_line("class A", "    int x", raw="class A { int x; int y; }")
    assert [each.text for each in pack(both, (), PLENTY)] == [
        "class A { int x; int y; }"
    ]
    raw_first = [piece("class A { int x; }", 9), *one_line("class A", "    int x")]
    whole = [replace(each, is_whole=True) for each in raw_first]
    assert [each.text for each in pack(whole, (), PLENTY)] == ["class A { int x; }"]


def test_a_signature_over_several_lines_outlives_its_first_line() -> None:
    pieces = one_line("def f(a, b) -> f", raw="def f(new,")
    assert [each.text for each in pack(pieces, (), PLENTY)] == ["def f(a, b) -> f"]


def test_a_name_that_is_part_of_another_is_a_member_of_its_own() -> None:
    (snippet,) = pack(one_line("enum E", "    RED_DARK", "    RED"), (), PLENTY)
    assert snippet.text == "enum E\n    RED_DARK\n    RED"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.text("xy =\n", max_size=40))),
    st.integers(0, 200),
)
def test_no_budget_is_exceeded(parts: list[tuple[str, str]], budget: int) -> None:
    pieces = [piece(text, path=path) for path, text in parts]
    assert_within(budget, pieces)


def assert_within(budget: int, pieces: list[Excerpt]) -> None:
    """No more than fits is packed, but something where there is room for all lines."""
    packed = pack(pieces, (), budget)
    assert sum(len(each.path) + len(each.text) + 2 for each in packed) <= budget
    lines = [(each.path, line.text) for each in pieces for line in each.lines]
    most = sum(len(path) + len(text) + 2 for path, text in lines)
    if most + SPARE_CHARACTERS <= budget:
        has_names = any(re.search(r"\w", text) for _, text in lines)
        assert bool(packed) == has_names


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "  a b", "x {a b}", "b"]),
            st.sampled_from(["", "a", "b"]),
            st.integers(0, 2),
        )
    ),
    st.integers(0, 200),
)
def test_no_budget_is_exceeded_where_lines_are_shared(
    parts: list[tuple[str, str, int]], budget: int
) -> None:
    pieces = [
        Excerpt(
            "a.py", (ExcerptLine(number, text, "", name),), "members", is_whole=True
        )
        for text, name, number in parts
    ]
    assert_within(budget, pieces)


def test_lines_that_find_no_room_are_not_made() -> None:
    def never() -> list[ExcerptLine]:
        raise AssertionError

    first = Excerpt("a.py", numbered(0, "enough_for_all = 1"), "similar", score=2)
    later = Excerpt("b.py", LazyLines(never), "similar", score=1)
    assert len(pack([later, first], (), 30)) == 1
