"""What the grammar says of a text at the cursor."""

from __future__ import annotations

import pytest

from starcoder_lsp.context.syntax import judge
from starcoder_lsp.flow import Cursor, Judgement


def judged(marked: str, text: str, language: str = "python") -> Judgement:
    cursor = Cursor.marked(marked, language)
    [judgement] = judge(language, cursor.document.text, cursor.offset, [text])
    return judgement


def kept(marked: str, text: str, language: str = "python") -> str:
    """What of the text belongs to the statement or block at the cursor."""
    return text[: judged(marked, text, language).statement_end]


@pytest.mark.parametrize(
    ("marked", "good", "bad"),
    [
        ("def f(x):\n    return █\n", "x + 1", "x + )"),
        ("print(█)\n", "a, b", "a, b))("),
        ("class A:\n    def f(self):\n        █\n", "self.x = 1", "self.x = = 1"),
    ],
)
def test_a_text_that_breaks_the_code_has_new_errors(
    marked: str, good: str, bad: str
) -> None:
    assert judged(marked, good).n_new_errors == 0
    assert judged(marked, bad).n_new_errors > 0


def test_errors_that_were_there_before_are_not_held_against_it() -> None:
    assert judged("def broken(:\n    pass\n\nx = █\n", "1").n_new_errors == 0


def test_brackets_left_open_may_still_be_closed() -> None:
    assert judged("x = █\n", "f(1, [2,").n_new_errors == 0


@pytest.mark.parametrize(
    ("marked", "text", "expected"),
    [
        ("if x:█\n", "\n    return 1\n\ndef g():\n    pass", "\n    return 1"),
        ("def f(x):\n    █\n", "return x\n\ndef g():\n    pass", "return x"),
        ("x = █\n", "1\ny = 2", "1"),
        ("x = f(█", "1,\n      2)\ny = 2", "1,\n      2)"),
        ("x = █\n", "1", "1"),
    ],
)
def test_what_follows_the_statement_does_not_belong(
    marked: str, text: str, expected: str
) -> None:
    assert kept(marked, text) == expected


def test_offsets_count_code_points() -> None:
    assert kept("ä = '😀' + █\n", "'ü'\nö = 2") == "'ü'"


def test_braces_end_a_block_too() -> None:
    marked = "int f() {\n    █\n}\n"
    assert kept(marked, "return 1;\n}\nint g() { return 2;", "c") == "return 1;\n}"


def test_without_a_grammar_nothing_is_said() -> None:
    assert judged("x █", ")))", "klingon") == Judgement()
