"""What the parser finds in a file, and that nothing in one stops it."""

from __future__ import annotations

from starcoder_lsp.context.symbols import Import, Symbols
from starcoder_lsp.context.syntax import parse


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


def test_a_language_without_a_grammar_has_no_symbols() -> None:
    assert parsed("klingon", "nuqneH") == Symbols("klingon", is_complete=False)
