"""Suggestions are ranked by how well they fit before the suffix."""

from __future__ import annotations

from collections.abc import Sequence

from starcoder_lsp.completion.ranking import by_what_follows, following
from starcoder_lsp.engines import AMPLE
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import EngineCrashed
from starcoder_lsp.flow import Completion, Cursor, Limits, Prompt, Score

PROMPT = Prompt(())
LIMITS = Limits(time_budget_ms=500, latency_target_ms=100)


class Judge(ScriptedEngine):
    """An engine that scores texts by their end, and records its requests."""

    def __init__(self, likely: str) -> None:
        super().__init__([])
        self.likely = likely
        self.asked: Sequence[str] = ()
        self.is_late = False

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        self.asked = texts
        assert limits == LIMITS
        if self.is_late:
            raise EngineCrashed("the texts were not scored in time")
        return [Score(-1.0 if text == self.likely else -9.0, 3) for text in texts]


async def test_the_one_that_fits_before_the_next_line_comes_first() -> None:
    cursor = Cursor.marked("x = 1\n█\nprint(x, y)\n")
    judge = Judge("y = 2\nprint(x, y)\n")
    found = [Completion("z = 2"), Completion("y = 2")]
    ranked = await by_what_follows(judge, PROMPT, cursor.suffix, found, LIMITS)
    assert [one.text for one in ranked] == ["y = 2", "z = 2"]


async def test_the_text_that_a_suggestion_replaces_is_not_scored() -> None:
    cursor = Cursor.marked("f(█)\n")
    judge = Judge("a, b)\n")
    found = [Completion("a"), Completion("a, b)", n_replaced=1)]
    ranked = await by_what_follows(judge, PROMPT, cursor.suffix, found, LIMITS)
    assert judge.asked == ["a)\n", "a, b)\n"]
    assert ranked[0].text == "a, b)"


async def test_at_the_end_of_a_file_the_order_stays() -> None:
    found = [Completion("b"), Completion("a")]
    cursor = Cursor.marked("x = █\n\n")
    judge = Judge("a")
    assert await by_what_follows(judge, PROMPT, cursor.suffix, found, LIMITS) == found
    assert not judge.asked


async def test_without_time_to_score_them_the_order_stays() -> None:
    found = [Completion("z = 2"), Completion("y = 2")]
    cursor = Cursor.marked("x = 1\n█\nprint(x, y)\n")
    judge = Judge("y = 2\nprint(x, y)\n")
    judge.is_late = True
    assert await by_what_follows(judge, PROMPT, cursor.suffix, found, LIMITS) == found


def test_a_long_line_is_cut() -> None:
    assert len(following("x" * 5000)) == 120
