"""Small workspaces, a cursor in one of their files, and what should be found."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from starcoder_lsp.context.index.reader import Index, index_in_memory
from starcoder_lsp.context.retrieve.definitions import foresee
from starcoder_lsp.context.retrieve.gather import gather
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.retrieve.usages import usages
from starcoder_lsp.context.syntax import parse
from starcoder_lsp.flow import CURSOR_MARK, Snippet
from starcoder_lsp.languages import language_of

CASES = sorted((Path(__file__).parents[2] / "cases" / "context").glob("*.txt"))
PLENTY = 10_000


def workspace(archive: str) -> tuple[Scene, Index]:
    """Files after lines `== PATH`; the one with the mark is being written."""
    index, scene = index_in_memory(), None
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


@pytest.mark.parametrize(
    ("budget", "n_lines"),
    [(0, 0), (21, 0), (22, 1), (40, 1), (77, 2), (78, 3), (10_000, 3)],
)
def test_a_budget_is_used_and_never_exceeded(budget: int, n_lines: int) -> None:
    scene, index = workspace(ARCHIVE)
    found = gather(scene, index, budget)
    assert sum(len(each.path) + 1 + len(each.text) + 1 for each in found) <= budget
    assert sum(each.text.count("\n") + 1 for each in found) == n_lines


def test_the_file_itself_is_context_where_the_prompt_does_not_show_it() -> None:
    text = "def helper(alpha, beta): ...\n" + "x = 1\n" * 50 + "helper("
    index, symbols = index_in_memory(), parse("python", text.encode())
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
    return [next(iter(piece.lines)).text for piece in usages(scene, index)]


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


NEIGHBOURS = """\
== pay.py
first = 1
account.add(first)
report(first)
== rent.py
first = 1
report(first)
account.█
"""


def test_what_stands_beside_a_use_is_shown_with_it_though_nothing_of_it_is_new() -> (
    None
):
    (snippet,) = gather(*workspace(NEIGHBOURS), PLENTY, sources=("usages",))
    assert snippet.text == "first = 1\naccount.add(first)\nreport(first)"


SPREAD = """\
== orders.py
def drop(order):
    check(order, dict)
    # The order is known to be one.

    del order.rows
== rent.py
def close(order):
    check(order, str)
def open(order):
    █
"""


def test_the_likest_windows_are_whole_but_for_what_only_people_read() -> None:
    (snippet,) = gather(*workspace(SPREAD), PLENTY, sources=("similar",))
    assert (
        snippet.text == "def drop(order):\n    check(order, dict)\n    del order.rows"
    )


def test_of_many_members_what_can_be_called_comes_before_fields() -> None:
    fields = "".join(f"    field_{i} = {i}\n" for i in range(40))
    archive = (
        f"== a.py\nclass A:\n{fields}    def last(self): ...\n"
        "== b.py\nfrom a import A\na = A()\na.█"
    )
    (snippet,) = gather(*workspace(archive), 300, sources=("definitions",))
    assert "def last(self):" in snippet.text
    assert "field_39" not in snippet.text


def test_nothing_goes_on_after_the_object_itself_or_an_empty_line() -> None:
    assert used_at("self.█") == used_at("    █") == []


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


ONE_LINE_TYPES = [
    ("shop.py", "class Item: name: str; price = 1", "app.py", "from shop import Item\nitem = Item()\nitem.█",
     ["class Item:", "    name: str", "    price = 1"]),
    ("Item.java", "class Item { int price; void sell() {} }", "App.java", "class App { void f(Item item) { item.█ } }",
     ["class Item", "    int price;", "    void sell()"]),
    ("Color.java", "enum Color { RED, GREEN }", "App.java", "class App { Object f() { return Color.█ } }",
     ["enum Color", "    RED", "    GREEN"]),
    ("point.ts", "export interface Point { x: number; y: number }", "app.ts", 'import { Point } from "./point";\nfunction f(p: Point) { p.█ }',
     ["export interface Point", "    x: number", "    y: number"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text", "here", "document", "expected"),
    ONE_LINE_TYPES,
    ids=[row[1] for row in ONE_LINE_TYPES],
)
def test_members_in_the_line_of_their_type_are_shown_once(
    path: str, text: str, here: str, document: str, expected: list[str]
) -> None:
    scene, index = workspace(f"== {path}\n{text}\n== {here}\n{document}")
    (snippet,) = gather(scene, index, PLENTY, sources=("definitions",))
    assert sorted(snippet.text.split("\n")) == sorted(expected)


def test_what_was_foreseen_of_an_import_is_not_looked_up_again() -> None:
    scene, index = workspace(
        "== store.py\nclass Store: ...\n"
        "== app.py\nfrom store import Store\nimport store as other\n█"
    )
    asked: list[str] = []
    for each in scene.symbols.imports:
        foresee(scene.path, scene.symbols, each, index)
    index._rows.set_trace_callback(asked.append)
    (piece,) = (one for one in gather(scene, index, PLENTY) if one.path == "store.py")
    assert "class Store" in piece.text
    looked_up = ("module = 'store'", "path = 'store.py'")
    assert not [each for each in asked if any(one in each for one in looked_up)]


# Ten of twelve words in many orders, so that many lines are as much like the place.
ORDERS = """
import itertools
from starcoder_lsp.context.retrieve.gather import gather
from starcoder_lsp.context.index.reader import index_in_memory
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.symbols import Symbols

words = [f"word{i}" for i in range(12)]
orders = itertools.islice(itertools.permutations(words, 10), 0, 10**6, 9973)
lines = [f"store.put{i}({', '.join(each)})" for i, each in enumerate(orders)]
index = index_in_memory()
for n in range(10):
    index.put(f"m{n}.py", "\\n".join(lines[n::10]), Symbols("python"))
text = "\\n".join(words) + "\\nstore."
print(gather(Scene("a.py", text, len(text), Symbols("python")), index, 2000))
"""


def test_every_process_finds_the_same_in_the_same_order() -> None:
    command = [sys.executable, "-c", ORDERS]
    found = {
        subprocess.check_output(command, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in "1234"
    }
    assert len(found) == 1
    assert b"store.put" in found.pop()
