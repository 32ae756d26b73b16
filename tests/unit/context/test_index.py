from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starcoder_lsp.context.index.chunks import spans, terms, texts_of
from starcoder_lsp.context.index.reader import Index, index_in_memory, module_name
from starcoder_lsp.context.symbols import Definition, Import, Symbols


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        yield opened


def function(name: str, line: int = 0) -> Definition:
    return Definition(name, "function", line, line + 1, line + 1, f"def {name}():")


def test_finds_a_definition_by_its_name() -> None:
    index = index_in_memory()
    index.put("pkg/a.py", "def f():\n    pass\n", Symbols("python", (function("f"),)))
    (place,) = index.definitions("f")
    assert (place.path, place.definition) == ("pkg/a.py", function("f"))


def test_gives_back_what_a_file_defines_and_imports() -> None:
    symbols = Symbols(
        "python",
        (function("f"), function("g", 3)),
        (Import("..pkg.mod", 0, ("a", "b"), ("a", "c")), Import("os", 1)),
        package="pkg",
    )
    index = index_in_memory()
    index.put("a.py", "text", symbols)
    known = index.symbols("a.py")
    assert known is not None
    assert tuple(known.definitions) == symbols.definitions
    assert tuple(known.imports) == symbols.imports
    assert (known.language, known.package) == ("python", "pkg")
    assert index.symbols("b.py") is None


# What could be taken for the start of a definition where it is none.
ODD = st.sampled_from(("f", "g", "x[", ",[", '"', '["f",', "[\\", "é", "]],[["))


@given(st.lists(st.tuples(ODD, ODD, ODD), max_size=6))
def test_a_definition_is_found_by_its_name_and_by_nothing_else_that_says_it(
    rows: list[tuple[str, str, str]],
) -> None:
    found = tuple(
        Definition(name, "function", 0, 0, 1, signature, doc, doc)
        for name, signature, doc in rows
    )
    index = index_in_memory()
    index.put("a.py", "", Symbols("python", found))
    known = index.symbols("a.py")
    assert known is not None
    for name in ("f", "g", "é", "h"):
        assert known.named(name) == [one for one in found if one.name == name]
    for container in ("f", ",["):
        inside = [one for one in found if one.container == container]
        assert list(known.inside(container)) == inside


def test_a_hit_has_its_own_lines_whatever_letters_stand_above() -> None:
    lines = ["é" * 30, *(f"x{i} = 'ü'" for i in range(40)), "needle = 'ö'", "last"]
    index = index_in_memory()
    index.put("a.py", "\n".join(lines), Symbols("python"))
    (hit,) = index.search({"needle": 1}, 5)
    assert hit.text.split("\n") == lines[hit.first_line : hit.last_line + 1]


def test_what_is_put_again_replaces_what_was_there() -> None:
    index = index_in_memory()
    index.put("a.py", "alpha\n", Symbols("python", (function("alpha"),)))
    index.put("a.py", "beta\n", Symbols("python", (function("beta"),)))
    assert index.paths() == ["a.py"]
    assert index.definitions("alpha") == []
    assert index.search({"alpha": 1}, 5) == []
    assert [hit.text for hit in index.search({"beta": 1}, 5)] == ["beta"]


def test_an_edit_writes_little_more_than_what_it_changes(
    connection: sqlite3.Connection,
) -> None:
    index = Index(connection)
    names = [f"name_{i}" for i in range(200)]
    text = "".join(f"def {name}():\n    return 1\n\n" for name in names)
    symbols = Symbols("python", tuple(function(n, 3 * i) for i, n in enumerate(names)))
    index.put("a.py", text, symbols)
    all_of_it = connection.total_changes
    index.put("a.py", text.replace("1", "other", 1), symbols)
    assert connection.total_changes - all_of_it < all_of_it / 20
    assert len(index.search({"other": 1}, 5)) == 1


def test_a_name_that_only_members_have_means_nothing_by_itself() -> None:
    index = index_in_memory()
    member = Definition("f", "method", 0, 0, 1, "def f():", container="C")
    index.put("a.py", "", Symbols("python", (member,)))
    assert not index.may_mean("f", 2)
    index.put("a.py", "", Symbols("python", (member, function("f", 3))))
    assert index.may_mean("f", 2)
    index.put("b.py", "", Symbols("python", (member,)))
    assert not index.may_mean("f", 2)
    assert not index.may_mean("g", 2)


def test_lines_above_move_what_stands_below() -> None:
    index = index_in_memory()
    index.put("a.py", "one = 1\n" * 20 + "needle = 1\n", Symbols("python"))
    index.put("a.py", "two = 2\n" * 3 + "one = 1\n" * 20 + "needle = 1\n", Symbols("python"))  # fmt: skip
    (hit,) = index.search({"needle": 1}, 5)
    assert hit.first_line <= 23 <= hit.last_line
    assert index.text("a.py").count("\n") == 24


def test_a_removed_file_is_nowhere() -> None:
    index = index_in_memory()
    index.put("a.py", "alpha\n", Symbols("python", (function("alpha"),)))
    index.remove("a.py")
    index.remove("never-there.py")
    assert index.paths() == []
    assert index.definitions("alpha") == []
    assert index.search({"alpha": 1}, 5) == []
    assert index.text("a.py") == ""


def test_a_rare_word_finds_more_than_a_frequent_one() -> None:
    index = index_in_memory()
    for i in range(5):
        index.put(f"{i}.py", "value = 1\n", Symbols("python"))
    index.put("rare.py", "Rare = 1\n", Symbols("python"))
    hits = index.search({"value": 1, "rare": 1}, 6)
    assert hits[0].path == "rare.py"


def test_words_are_found_by_their_parts_and_in_any_script() -> None:
    index = index_in_memory()
    read_file = Definition("readFile", "constant", 0, 0, 1, "const readFile = größe;")
    index.put("a.ts", "const readFile = größe;\n", Symbols("typescript", (read_file,)))
    for word in ("readfile", "read", "file", "größe"):
        assert [hit.path for hit in index.search({word: 1}, 5)] == ["a.ts"]


def test_a_file_is_known_by_the_name_it_is_imported_by() -> None:
    index = index_in_memory()
    index.put("src/pkg/__init__.py", "", Symbols("python"))
    index.put("src/util/Paths.java", "", Symbols("java", package="util"))
    assert index.paths_of_module("pkg") == ["src/pkg/__init__.py"]
    assert index.paths_of_module("Paths") == ["src/util/Paths.java"]
    assert index.paths_of_package("util") == ["src/util/Paths.java"]
    assert module_name("Makefile") == "makefile"


def test_a_folder_has_its_files_and_not_those_below() -> None:
    index = index_in_memory()
    for path in ("a/b.py", "a/c/d.py", "ab.py", "a.py"):
        index.put(path, "", Symbols("python"))
    assert index.paths_in_folder("a", 9) == ["a/b.py"]
    assert index.paths_in_folder("", 9) == ["a.py", "ab.py"]


def test_chunks_begin_where_definitions_do() -> None:
    text = "".join(f"line {i}\n" for i in range(40))
    cut = list(spans(text, [function("f", 9), function("g", 21)]))
    assert {9, 21} <= {chunk.first_line for chunk in cut}


@given(st.text(alphabet="ab\n \r\u2028", max_size=300))
def test_chunks_hold_every_line_once(text: str) -> None:
    cut = list(spans(text))
    assert "\n".join(texts_of(text, cut)) == text.removesuffix("\n")
    lines = [i for each in cut for i in range(each.first_line, each.last_line + 1)]
    assert lines == list(range(len(lines)))


@given(st.text(max_size=200))
def test_terms_of_any_text_are_words(text: str) -> None:
    found = terms(f"{text} readFile")
    assert {"read", "file", "readfile"} <= found
    for term in found:
        assert '"' not in term
        assert not term.isspace()


def test_who_reads_along_sees_nothing_of_what_is_written_meanwhile(
    tmp_path: Path,
) -> None:
    file = tmp_path / "index.sqlite"
    connections = [sqlite3.connect(file, isolation_level=None) for _ in range(2)]
    connections[0].execute("PRAGMA journal_mode = WAL")
    writer, reader = map(Index, connections)
    writer.put("a.py", "needle\n", Symbols("python"))

    def write(statement: str) -> None:
        if "numbers" in statement:
            writer.put("a.py", "other\n", Symbols("python"))

    connections[1].set_trace_callback(write)
    with reader.snapshot():
        (hit,) = reader.search({"needle": 1}, 5)
        assert hit.text == "needle"
    connections[1].set_trace_callback(None)
    assert reader.search({"needle": 1}, 5) == []
    for connection in connections:
        connection.close()


NAME_LIST = ("alpha", "betaGamma", "delta_epsilon", "zeta")
NAMES = st.sampled_from(NAME_LIST)
PATHS = st.sampled_from(("a.py", "b/a.py", "b/c.py"))
TEXTS = st.lists(NAMES, max_size=30).map("\n".join)
CHANGES = st.lists(st.tuples(PATHS, st.none() | TEXTS), max_size=12)


def as_symbols(text: str) -> Symbols:
    names = text.split()
    return Symbols("python", tuple(function(name, i) for i, name in enumerate(names)))


def answers(index: Index) -> object:
    words = ("alpha", "beta", "gamma", "betagamma", "delta_epsilon", "zeta")
    return (
        [(path, index.text(path), index.symbols(path)) for path in index.paths()],
        [
            sorted((hit.path, hit.first_line) for hit in index.search({word: 1}, 100))
            for word in words
        ],
        sorted(str(place) for place in index.definitions("alpha", limit=1000)),
        [(index.may_mean(name, 2), index.has(f"{name}.py")) for name in NAME_LIST],
        [index.paths_of_module(name) for name in ("a", "c")],
        [index.paths_in_folder(folder, 9) for folder in ("", "b")],
        index.first_of("b/c.py", "b/a.py", "a.py"),
    )


@settings(deadline=None)
@given(CHANGES)
def test_a_history_of_changes_ends_as_a_fresh_index(
    changes: list[tuple[str, str | None]],
) -> None:
    changed, latest = index_in_memory(), dict[str, str]()
    for path, text in changes:
        if text is None:
            changed.remove(path)
            latest.pop(path, None)
        else:
            changed.put(path, text, as_symbols(text))
            latest[path] = text
        answers(changed)  # what is remembered of them has to go with the next change
    fresh = index_in_memory()
    for path, text in latest.items():
        fresh.put(path, text, as_symbols(text))
    assert answers(changed) == answers(fresh)


def statements_of(index: Index, connection: sqlite3.Connection, ask: object) -> int:
    """How many questions to the database it takes to ask something of `index`."""
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    with index.snapshot():
        assert callable(ask)
        ask()
    connection.set_trace_callback(None)
    return sum("SELECT" in each for each in asked)


def test_what_was_asked_is_not_asked_again_until_other_names_are_defined(
    connection: sqlite3.Connection,
) -> None:
    index = Index(connection)
    index.put("a.py", "", Symbols("python", (function("f"),)))

    def ask() -> None:
        assert index.paths_of_module("a") == ["a.py"]
        index.may_mean("g", 2)

    assert statements_of(index, connection, ask) == 2
    assert statements_of(index, connection, ask) == 0
    index.put("a.py", "# more\n", Symbols("python", (function("f", 1),)))
    assert statements_of(index, connection, ask) == 0
    index.put("a.py", "", Symbols("python", (function("g"),)))
    assert statements_of(index, connection, ask) == 2
    assert index.may_mean("g", 2)


def test_a_new_index_is_joined_once_and_answers_the_same(
    connection: sqlite3.Connection,
) -> None:
    index = Index(connection)
    for n in range(200):
        index.put(f"m{n}.py", f"common word{n}\n" * 20, Symbols("python"))
    before = [hit.path for hit in index.search({"word7": 1, "word8": 1}, 9)]

    def n_parts() -> int:
        parts = "SELECT count(DISTINCT segid) FROM term_idx"
        return int(connection.execute(parts).fetchone()[0])

    assert n_parts() > 1
    while index.join_some():
        pass
    assert n_parts() == 1
    assert [hit.path for hit in index.search({"word7": 1, "word8": 1}, 9)] == before
    unchanged = connection.total_changes
    assert not index.join_some()
    assert connection.total_changes == unchanged
