"""What the parser finds in a file, and that nothing in one stops it."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starcoder_lsp.context.symbols import Definition, Import, Symbols
from starcoder_lsp.context.syntax import ParsedDocument, grammars, parse
from starcoder_lsp.context.syntax.outline import outline
from starcoder_lsp.languages import language_of, languages

SAMPLES = sorted(
    path
    for path in (Path(__file__).parents[2] / "data" / "samples").iterdir()
    if path.suffix in (".py", ".ts", ".cpp", ".java", ".rb", ".hs")
)


def parsed(language: str, text: str) -> Symbols:
    return parse(language, text.encode(), budget_ms=10_000)


def test_a_definition_knows_its_place_and_its_documentation() -> None:
    [stack, push] = parsed(
        "python",
        'class Stack:\n    """Last in, first out."""\n\n'
        "    @override\n    def push(self, item: int) -> None:\n        pass\n",
    ).definitions
    assert (stack.kind, stack.doc) == ("class", "Last in, first out.")
    assert (stack.first_line, stack.body_line, stack.last_line) == (0, 1, 5)
    assert (push.kind, push.qualified_name) == ("method", "Stack.push")
    assert push.signature == "@override\n    def push(self, item: int) -> None:"
    assert (push.first_line, push.body_line, push.last_line) == (3, 5, 5)


def test_an_import_names_what_it_brings_and_how_it_is_called_here() -> None:
    source = "import os.path as p\nfrom ..a import b, c as d\nfrom x import *\n"
    assert parsed("python", source).imports == (
        Import("os.path", 0, (), ("p",)),
        Import("..a", 1, ("b", "c"), ("b", "d")),
        Import("x", 2, ("*",), ("*",)),
    )


@pytest.mark.parametrize(
    ("language", "source", "names"),
    [
        ("java", "@interface A { String value(); }", "A A.value"),
        ("c", 'int t[2] = {1};\nint *p = 0;\nchar *s[] = {"a"};', "t p s"),
        ("cpp", "Row * a::B::get(int x) { return 0; }", "B.get"),
        ("elixir", "defmodule A do\n  @callback get(x) :: y\nend", "A A.get"),
        ("ruby", "class A\n  alias_method :b, :c\n  def ==(o)\n  end\nend", "A A.b A.=="),
        ("sql", "CREATE OR REPLACE FUNCTION f() RETURNS int AS 'x' LANGUAGE C;", "f"),
        ("javascript", "const api = { get() {}, put: (x) => {} }", "api api.get api.put"),
        ("javascript", "module.exports = { get: function () {} }", "get"),
    ],
)  # fmt: skip
def test_definitions_of_every_form_are_found(
    language: str, source: str, names: str
) -> None:
    found = parsed(language, source).definitions
    assert [each.qualified_name for each in found] == names.split()


def test_a_language_without_a_grammar_has_no_symbols() -> None:
    assert parsed("klingon", "nuqneH") == Symbols("klingon", is_complete=False)


def test_a_large_file_is_parsed_within_its_budget_or_not_at_all() -> None:
    source = ("class C:\n    x = 1\n" * 2_000).encode()
    assert len(parse("python", source, budget_ms=60_000).definitions) == 2_001
    assert parse("python", source, budget_ms=0) == Symbols("python", is_complete=False)
    assert parse("python", b"x = 1\n", budget_ms=0).is_complete


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SAMPLES), st.data())
def test_an_edited_document_that_is_whole_again_has_the_symbols_of_a_fresh_one(
    path: Path, data: st.DataObject
) -> None:
    # In between, what is broken may be read in other ways than a fresh parse would.
    source = path.read_bytes()
    document = ParsedDocument(language_of(path), source, budget_ms=60_000)
    fresh = document.symbols(), document.references()
    undo = []
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(document.source)))
        end = data.draw(st.integers(start, min(start + 40, len(document.source))))
        piece = data.draw(
            st.sampled_from([b"", b"x", b"{", b"}\n", b'"', b"def f(", b"\n"])
        )
        undo.append((start, start + len(piece), document.source[start:end]))
        document.edit(start, end, piece)
        assert document.symbols().language == fresh[0].language
    for start, end, piece in reversed(undo):
        document.edit(start, end, piece)
    assert document.source == source
    assert (document.symbols(), document.references()) == fresh


@settings(max_examples=60, deadline=None)
# Not Perl, whose scanner may never return: a worker is ended then.
@given(st.sampled_from(["python", "cpp", "typescript", "haskell", "go"]), st.binary())
def test_no_bytes_are_too_odd(language: str, source: bytes) -> None:
    assert ParsedDocument(language, source).symbols().language == language


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SAMPLES), st.integers(0, 2000), st.binary(max_size=8))
def test_a_damaged_sample_still_has_symbols(path: Path, at: int, odd: bytes) -> None:
    source = path.read_bytes()
    damaged = source[:at] + odd + source[at + len(odd) :]
    symbols = parse(language_of(path), damaged, budget_ms=60_000)
    n_lines = damaged.count(b"\n") + 1
    assert symbols.definitions
    assert all(
        0 <= one.first_line <= one.last_line < n_lines for one in symbols.definitions
    )


def outside_of_functions(symbols: Symbols) -> list[Definition]:
    bodies = [
        range(one.body_line, one.last_line + 1)
        for one in symbols.definitions
        if one.kind in ("function", "method")
    ]
    return [
        one
        for one in symbols.definitions
        if not any(one.first_line in body for body in bodies)
    ]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_without_bodies_all_but_what_is_local_is_found(path: Path) -> None:
    language, source = language_of(path), path.read_bytes()
    whole = ParsedDocument(language, source).symbols()
    assert set(outside_of_functions(whole)) <= set(parse(language, source).definitions)


STANDARD_LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).glob("[a-m]*.py"))


@pytest.mark.parametrize("path", STANDARD_LIBRARY, ids=lambda path: path.name)
def test_functions_are_read_from_their_heads_as_a_parser_does(path: Path) -> None:
    source = path.read_bytes()
    document = ParsedDocument("python", source, budget_ms=60_000)
    assert document.tree is not None
    if document.tree.root_node.has_error:
        pytest.skip("the grammar does not know all of it")
    found, whole = parse("python", source).definitions, document.symbols()
    assert set(outside_of_functions(whole)) <= set(found)
    assert {one for one in found if one.kind != "field"} <= set(whole.definitions)


PARSED_BRIEFLY = {
    "functions in strings, stubs and decorators": (
        "python",
        'DOC = """\n    def no():\n        pass\n"""\n@a\n# why\n@b.c(\n    1,\n)\ndef f(x): ...\n'
        "class A:\n    '''\n    Says it.\n\n    def no(): ...\n\n    '''\n"
        "    @property\n    async def g(self) -> int:  # type\n        # first\n        'Says g.'\n"
        "        def inner(): ...\n    x = f(\n    )\n    def h(self): pass\n",
    ),
    "a string that goes on at the margin": (
        "python",
        'def f():\n    x = \\\n"""\nno\n"""\n    return x\n\ndef g():\n    y = 1\n    return y\n',
    ),
    "a docstring, and a string with a line of its own": (
        "python",
        'class A:\n    def f(self):\n        """\n        Says it.\n        """\n'
        '        x = """\nno: def g():\n"""\n        return x\n\n    y = 1\n',
    ),
    "quotes in a string, and a comment at the margin": (
        "python",
        "import x\ndef f(a):\n    if a == \"'''\":\n# here\n        return 1\n    return 2\n"
        "# Says it.\ndef g(): ...\nclass A:\n    b: int\n    c: int\n    d: int\n",
    ),
    "parameters below each other, and no body": (
        "python",
        "import x\n@x.y(\n    a=(\n        1,\n        2,\n    ),\n)\ndef f(\n    a: int,\n"
        "    b: str = (\n        1,\n        2,\n        3,\n    ),\n) -> int: ...\n"
        "def g(\n    a: int = f(1),\n):\n    x\n    y\n    return z\n",
    ),
    "long values": (
        "python",
        "from .e import (\n    f,\n    g,\n    h,\n    i,\n)\na = (1,\n     2,\n     3,\n     4,\n     5)\n# Says it.\nb = {\n    1: 2,\n    3: [\n"
        "        4,\n    ],\n}\nclass A(\n    C,\n    D,\n    E,\n):\n    c = f([\n        1,\n"
        "        2,\n        3,\n    ])\n    d = 1\n",
    ),
    "a brace below": (
        "c",
        "int f(int x)\n{\n\tif (x) {\n\t\treturn 1;\n\t}\n\treturn 2;\n}\n\nint y;\n",
    ),
    "parameters deeper than the function": (
        "c",
        "int f(int x,\n    int y) {\n    if (x) {\n        return 1;\n    }\n    return 2;\n}\nint z;\n",
    ),
    "what a constructor sets first": (
        "cpp",
        "A::A(int b) :\n    c(b),\n    d(b) {\n    if (b) {\n        e();\n    }\n    f();\n}\nint A::g(int x)\n"
        "    {\n    if (x) {\n        return 1;\n    }\n    return 2;\n    }\nint z;\n",
    ),
    "a type in braces, and a string with lines of its own": (
        "typescript",
        "export class A {\n  f(x: number): string {\n    const s = `\n`;\n"
        "    if (x) {\n      g();\n    }\n    return s;\n  }\n  y = 1;\n"
        "  h(): {\n    a: string;\n    b: string;\n    c: string;\n  } {\n    return i;\n  }\n}\n",
    ),
}


@pytest.mark.parametrize(("language", "text"), PARSED_BRIEFLY.values(), ids=PARSED_BRIEFLY)  # fmt: skip
def test_lines_stay_where_they_are_in_an_outline(language: str, text: str) -> None:
    source = text.encode()
    brief = outline(source, languages()[language]).source
    assert brief.count(b"\n") == source.count(b"\n")
    assert len(brief) < len(source)
    assert list(parse(language, source).definitions) == outside_of_functions(
        ParsedDocument(language, source).symbols()
    )
    # It was parsed but once.
    grammar = grammars.grammar_of(language)
    assert grammar is not None
    assert not grammar.parser.parse(brief).root_node.has_error


def test_braces_that_go_one_by_one_leave_a_function_whole() -> None:
    source = b"int f(int x) {\n#ifdef A\n    if (x) {\n#else\n    if (!x) {\n#endif\n    }\n    g();\n}\n"
    assert outline(source, languages()["c"]) == (source, True, ())


def test_a_grammar_that_cannot_be_loaded_leaves_plain_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> None:
        raise LookupError(f"Could not find language library for {name}")

    monkeypatch.setattr("tree_sitter_language_pack.get_language", missing)
    grammars.grammar_of.cache_clear()
    assert parse("python", b"def f(): pass\n") == Symbols("python", is_complete=False)
    assert "python is indexed as plain text" in caplog.text
    grammars.grammar_of.cache_clear()


@pytest.mark.parametrize(
    "source", [b"(" * 20_000, b"[" * 9_000 + b"]" * 9_000, b"\xff\x00" * 9_000]
)
def test_deep_and_odd_files_end_in_time_or_are_given_up(source: bytes) -> None:
    for language in ("python", "javascript", "c"):
        assert parse(language, source, budget_ms=200).definitions == ()
