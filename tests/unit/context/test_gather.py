"""Small workspaces, a cursor in one of their files, and what should be found."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from starcoder_lsp.context.gather import gather
from starcoder_lsp.context.index import Index
from starcoder_lsp.context.recent import RecentEdits
from starcoder_lsp.context.scene import Scene
from starcoder_lsp.context.syntax import parse
from starcoder_lsp.context.usages import usages
from starcoder_lsp.flow import CURSOR_MARK, Snippet
from starcoder_lsp.languages import language_of

CASES = sorted((Path(__file__).parents[2] / "cases" / "context").glob("*.txt"))
PLENTY = 10_000


def workspace(archive: str) -> tuple[Scene, Index]:
    """Files after lines `== PATH`; the one with the mark is being written."""
    index, scene = Index(sqlite3.connect(":memory:")), None
    for part in ("\n" + archive).split("\n== ")[1:]:
        path, _, text = part.partition("\n")
        language = language_of(Path(path))
        before, mark, after = text.partition(CURSOR_MARK)
        symbols = parse(language, (before + after).encode())
        index.put(path, before + after, symbols)
        if mark:
            scene = Scene(path, before + after, len(before), symbols)
    assert scene is not None, "no mark in the archive"
    return scene, index


def shown(snippets: list[Snippet]) -> str:
    return "".join(
        f"-- {each.path} ({each.source})\n{each.text}\n" for each in snippets
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_finds_what_the_next_line_needs(case: Path, update: bool) -> None:
    archive, _, expected = case.read_text("utf-8").partition("\n>>\n")
    scene, index = workspace(archive)
    found = shown(gather(scene, index, PLENTY))
    if update:
        case.write_text(f"{archive}\n>>\n{found}", "utf-8")
        return
    assert found == expected


ARCHIVE = """\
== store.py
class Store:
    def put(self, key): ...
    def get(self, key): ...
== app.py
from store import Store
█
"""


def test_a_source_can_be_switched_off() -> None:
    scene, index = workspace(ARCHIVE)
    assert gather(scene, index, PLENTY)
    assert gather(scene, index, PLENTY, sources=()) == []


@pytest.mark.parametrize("budget", [0, 10, 40, 80, 10_000])
def test_a_budget_is_never_exceeded(budget: int) -> None:
    scene, index = workspace(ARCHIVE)
    found = gather(scene, index, budget)
    assert sum(len(each.path) + 1 + len(each.text) + 1 for each in found) <= budget


def test_the_file_itself_is_context_where_the_prompt_does_not_show_it() -> None:
    text = "def helper(alpha, beta): ...\n" + "x = 1\n" * 50 + "helper("
    index, symbols = Index(sqlite3.connect(":memory:")), parse("python", text.encode())
    index.put("a.py", text, symbols)
    start = len(text) - 20
    whole = Scene("a.py", text, len(text), symbols)
    window = Scene("a.py", text, len(text), symbols, shown_from=start)
    assert gather(whole, index, PLENTY) == []
    (snippet,) = gather(window, index, PLENTY)
    assert snippet.text.startswith("def helper(alpha, beta)")


USED = """\
== pay.py
account.add(1)
account.add(2)
account.close()
account = open_account()
== rent.py
"""


def used_at(line: str) -> list[str]:
    """The lines of pay.py that show how others go on there, the best first."""
    scene, index = workspace(f"{USED}{line}")
    return [piece.lines[0].text for piece in usages(scene, index)]


def test_each_member_that_others_use_is_shown_before_more_of_one() -> None:
    assert used_at("account.█") == [
        "account.add(1)",
        "account.close()",
        "account.add(2)",
    ]


def test_what_follows_decides_which_lines_go_on_there() -> None:
    assert used_at("account.a█") == used_at("account.█")
    assert used_at("account = █") == ["account = open_account()"]
    assert used_at("add(█") == ["account.add(1)", "account.add(2)"]


def test_nothing_goes_on_after_the_object_itself_or_an_empty_line() -> None:
    assert used_at("self.█") == used_at("    █") == []


def test_what_was_edited_elsewhere_comes_along() -> None:
    scene, index = workspace("== a.py\n█\n== b.py\none = 1\n")
    edits = RecentEdits()
    edits.edited("b.py", "one = 1\ntwo = 2\nthree = 3", 1, 1)
    (snippet,) = gather(scene, index, PLENTY, edits=edits)
    assert (snippet.path, snippet.source) == ("b.py", "edits")
    assert snippet.text == "one = 1\ntwo = 2\nthree = 3"
    edits.forget("b.py")
    assert gather(scene, index, PLENTY, edits=edits) == []


POPUP = """\
== store.py
class Store:
    def put(self, key): ...
    def get(self, key): ...
== shelf.py
class Shelf:
    def put(self, book, place): ...
== app.py
def run(thing{annotation}):
    thing.█
"""


@pytest.mark.parametrize(
    ("annotation", "known"), [("", ["shelf.py", "store.py"]), (": Store", ["store.py"])]
)
def test_what_a_popup_selects_is_shown_by_its_receiver_or_by_its_name(
    annotation: str, known: list[str]
) -> None:
    scene, index = workspace(POPUP.replace("{annotation}", annotation))
    selected = replace(scene, chosen="put(key)")
    found = gather(selected, index, PLENTY, sources=("chosen",))
    assert sorted(each.path for each in found) == known
    store = next(each for each in found if each.path == "store.py")
    assert store.text == "class Store:\n    def put(self, key):"
    assert gather(scene, index, PLENTY, sources=("chosen",)) == []


def test_edits_near_each_other_are_one() -> None:
    edits = RecentEdits()
    text = "\n".join(f"line {i}" for i in range(40))
    for line in (10, 11, 12):
        edits.edited("a.py", text, line, line)
    edits.edited("a.py", text, 30, 30)
    assert [hunk.first_line for hunk in edits.hunks()] == [28, 10]
