"""What is remembered of edits, and which of them are shown where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.context.index.reader import index_in_memory
from starcoder_lsp.context.retrieve.gather import gather
from starcoder_lsp.context.retrieve.hunks import MAX_KEPT_LINES, MAX_LINES, Hunk, steps
from starcoder_lsp.context.retrieve.recent_edits import MAX_HUNKS, RecentEdits
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.symbols import Symbols
from starcoder_lsp.flow import CURSOR_MARK, Snippet

PLENTY = 10_000


def edited(
    *texts: str, path: str = "a.py", edits: RecentEdits | None = None
) -> list[Hunk]:
    """The hunks after one text became the next."""
    edits = edits or RecentEdits()
    for before, after in pairwise(texts):
        edits.changed(path, before, after)
    return edits.hunks()


def lines(*words: str) -> str:
    return "\n".join(words)


def numbered(n: int) -> list[str]:
    return [f"line {i}" for i in range(n)]


def test_a_hunk_is_what_stood_there_and_what_stands_there_now() -> None:
    (hunk,) = edited("a = 1\nold(x)\nb = 2", "a = 1\nnew(x)\nb = 2")
    assert (hunk.before, hunk.after) == (("old(x)",), ("new(x)",))
    assert hunk.gone == {"old"}
    assert hunk.come == {"new"}
    assert hunk.shown == ("a = 1", "new(x)", "b = 2")


def test_what_is_typed_key_by_key_is_one_hunk() -> None:
    (hunk,) = edited("get(x)", "gt(x)", "gft(x)", "fetch(x)", "fetch(x, y)")
    assert (hunk.before, hunk.after) == (("get(x)",), ("fetch(x, y)",))


def test_edits_near_each_other_are_one_and_what_stands_between_is_no_change() -> None:
    old = numbered(40)
    one, two = list(old), list(old)
    one[10] = two[10] = "ten"
    two[13] = "thirteen"
    (hunk,) = edited(lines(*old), lines(*one), lines(*two))
    assert hunk.before == ("line 10", "line 11", "line 12", "line 13")
    assert hunk.after == ("ten", "line 11", "line 12", "thirteen")
    three = [*two[:30], "thirty", *two[31:]]
    apart = edited(lines(*old), lines(*two), lines(*three))
    assert [each.first_line for each in apart] == [30, 10]


def test_an_edit_that_is_undone_is_no_hunk() -> None:
    assert edited("a\nb\nc", "a\nB\nc", "a\nb\nc") == []
    (left,) = edited("a\nb\nc", "a\nB\nC", "a\nb\nC")
    assert (left.first_line, left.after) == (2, ("C",))


def test_what_only_looks_different_is_no_news() -> None:
    assert edited("f(a,b)", "f(\n    a,\n    b,\n)") == []
    assert edited("x = 'a';", 'x = "a"') == []
    assert edited("if a:\nb()", "if a:\n\n    b()") == []


def test_a_hunk_moves_with_its_lines() -> None:
    old = numbered(30)
    new = [*old[:20], "twenty", *old[21:]]
    hunks = edited(lines(*old), lines(*new), lines("a", "b", *new[1:]))
    assert [(each.first_line, each.after) for each in hunks] == [
        (0, ("a", "b")),
        (21, ("twenty",)),
    ]
    assert hunks[1].shown_lines == range(20, 23)


def test_two_places_that_change_at_once_are_two_hunks() -> None:
    """An accepted completion adds its import at the top."""
    old = numbered(3000)
    new = ["import b", *old[:2000], "b()", *old[2001:]]
    hunks = edited(lines(*old), lines(*new))
    assert [each.after for each in hunks] == [("import b",), ("b()",)]
    assert [each.first_line for each in hunks] == [0, 2001]


def test_of_long_hunks_the_end_of_the_last_edit_is_shown() -> None:
    written = [lines(*numbered(n)) for n in range(1, 40)]
    (hunk,) = edited("", *written)
    assert hunk.shown == tuple(numbered(39)[-MAX_LINES + 1 :])
    at_the_top = lines("first", *numbered(39)[1:])
    (hunk,) = edited("", *written, at_the_top)
    assert hunk.shown[0] == "first"
    assert len(hunk.shown) == MAX_LINES


def test_what_is_written_for_long_starts_again_and_what_is_pasted_is_no_edit() -> None:
    old, new = numbered(MAX_KEPT_LINES), numbered(MAX_KEPT_LINES + 1)
    (hunk,) = edited("", lines(*old), lines(*new))
    assert hunk.after == (new[-1],)
    assert edited("", lines(*new)) == []


def test_only_the_last_edits_are_kept_and_a_file_can_be_forgotten() -> None:
    edits = RecentEdits()
    for i in range(2 * MAX_HUNKS):
        edited("old", f"new{i}", path=f"{i}.py", edits=edits)
    assert len(edits.hunks()) == MAX_HUNKS
    assert edits.hunks()[0].path == f"{2 * MAX_HUNKS - 1}.py"
    edits.forget(f"{2 * MAX_HUNKS - 1}.py")
    assert edits.hunks()[0].path == f"{2 * MAX_HUNKS - 2}.py"


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "", " a"]), max_size=12)


@given(st.lists(TEXTS, min_size=2, max_size=6))
def test_hunks_always_say_what_the_file_holds_and_never_overlap(
    texts: list[list[str]],
) -> None:
    hunks = edited(*map("\n".join, texts))
    now = "\n".join(texts[-1]).split("\n")
    end = -1
    for hunk in sorted(hunks, key=lambda each: each.first_line):
        assert tuple(now[hunk.first_line : hunk.end_line]) == hunk.after
        shown = hunk.shown_lines
        assert tuple(now[shown.start : shown.stop]) == hunk.shown
        assert hunk.first_line > end
        end = hunk.end_line


@given(TEXTS, TEXTS)
def test_steps_lead_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    text = old
    for before, after, _ in steps(old, new):
        assert before == text
        text = list(after)
    assert text == new


def shown(
    document: str,
    edits: RecentEdits,
    files: Mapping[str, str] = MappingProxyType({}),
    open_paths: Iterable[str] = ("a.py", "b.py"),
) -> list[Snippet]:
    """What recent edits give for a document `here.py`, the best first."""
    index = index_in_memory()
    for path, text in files.items():
        index.put(path, text, Symbols("python"))
    before, _, after = document.partition(CURSOR_MARK)
    scene = Scene("here.py", before + after, len(before), Symbols("python"))
    scene = replace(scene, open_paths=tuple(open_paths))
    return gather(scene, index, PLENTY, memories={"edits": edits}, sources=("edits",))[
        ::-1
    ]


def renamed(path: str, old: str, new: str) -> RecentEdits:
    edits = RecentEdits()
    edits.changed(path, f"user = {old}(id)", f"user = {new}(id)")
    return edits


def test_what_was_edited_elsewhere_is_shown_as_it_is_now() -> None:
    (snippet,) = shown("█", renamed("a.py", "get_user", "fetch_user"))
    assert (snippet.path, snippet.source) == ("a.py", "edits")
    assert snippet.text == "user = fetch_user(id)"


def test_an_edit_ranks_first_where_it_is_to_be_repeated() -> None:
    edits = renamed("a.py", "get_user", "fetch_user")
    edits.changed("b.py", "total = 1", "total = compute()")
    here = "owner = get_user(7)\nuser = █"
    assert [each.path for each in shown(here, edits)] == ["a.py", "b.py"]
    assert [each.path for each in shown("█", edits)] == ["b.py", "a.py"]


def test_an_edit_to_be_repeated_is_shown_with_what_is_known_already() -> None:
    here = "owner = get_user(7)\nother = fetch_user(8)\nuser = id = █"
    (snippet,) = shown(here, renamed("a.py", "get_user", "fetch_user"))
    assert snippet.text == "user = fetch_user(id)"
    assert "due" in snippet.why
    here = "other = fetch_user(8)\nuser = id = █"
    assert shown(here, renamed("a.py", "get_user", "fetch_user")) == []


def test_an_edit_ranks_first_where_the_code_is_alike() -> None:
    edits = RecentEdits()
    edits.changed("a.py", "", "parser.add_argument(name, required)")
    edits.changed("b.py", "", "total = compute(numbers)")
    here = "parser.add_argument(path)\n█"
    assert [each.path for each in shown(here, edits)] == ["a.py", "b.py"]


def test_a_rename_in_many_places_is_told_once() -> None:
    edits = renamed("a.py", "get_user", "fetch_user")
    edits.changed("b.py", "x = get_user(1)", "x = fetch_user(1)")
    assert len(shown("y = get_user(2)\n█", edits)) == 1


def test_what_the_prompt_shows_of_the_file_itself_is_left_out() -> None:
    assert shown("█", renamed("here.py", "get_user", "fetch_user")) == []


@pytest.mark.parametrize("open_paths", [(), ("a.py",)])
def test_an_edit_that_its_closed_file_does_not_hold_is_left_out(
    open_paths: tuple[str, ...],
) -> None:
    edits = renamed("a.py", "get_user", "fetch_user")
    found = shown("█", edits, files={"a.py": "other"}, open_paths=open_paths)
    assert [each.path for each in found] == list(open_paths)


def test_an_edit_of_a_saved_file_is_shown_until_the_file_is_gone_or_hidden() -> None:
    edits = renamed("a.py", "get_user", "fetch_user")
    saved = {"a.py": "x = 1\nuser = fetch_user(id)"}
    assert shown("█", edits, files=saved, open_paths=())
    assert shown("█", edits, open_paths=()) == []
