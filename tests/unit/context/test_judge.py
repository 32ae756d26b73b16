"""What the grammar says of a text at the cursor."""

from __future__ import annotations

import pytest

from starcoder_lsp.context.syntax import judge
from starcoder_lsp.flow import Cursor, Judgement


def judged(marked: str, text: str, language: str = "python") -> Judgement:
    cursor = Cursor.marked(marked, language)
    [judgement] = judge(language, cursor.document.text, cursor.offset, [text])
    return judgement


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


def test_without_a_grammar_nothing_is_said() -> None:
    assert judged("x █", ")))", "klingon") == Judgement()
