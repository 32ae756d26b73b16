"""What is shown of other files stays while the user types."""

from __future__ import annotations

from collections.abc import Sequence

from starcoder_lsp.context.retrieve.stable_choice import Sticky
from starcoder_lsp.flow import Snippet

PLENTY = 1000


def snippet(path: str, text: str = "text", score: float = 1) -> Snippet:
    return Snippet(path, text, score=score)


class Typing:
    """Asks at times, on lines and for snippets of the test's choice."""

    def __init__(self) -> None:
        self.sticky = Sticky()
        self.gone: set[str] = set()
        self.n_searches = 0

    def shown(
        self,
        *wanted: Snippet,
        now_s: float,
        line: int = 0,
        budget_characters: int = PLENTY,
        chosen: str = "",
    ) -> str:
        def find() -> Sequence[Snippet]:
            self.n_searches += 1
            return wanted

        kept = self.sticky.settle(
            find,
            lambda path: path not in self.gone,
            budget_characters=budget_characters,
            line=line,
            now_s=now_s,
            chosen=chosen,
        )
        return "".join(one.path for one in kept)


def test_snippets_stay_while_the_user_types_and_nothing_is_searched() -> None:
    typing = Typing()
    assert typing.shown(snippet("a"), snippet("b"), now_s=0) == "ab"
    assert typing.shown(snippet("c"), now_s=0.5) == "ab"
    assert typing.shown(snippet("c"), now_s=1.4) == "ab"
    assert typing.n_searches == 1


def test_after_a_pause_what_stays_keeps_its_place_and_what_is_new_comes_behind() -> (
    None
):
    typing = Typing()
    typing.shown(snippet("a"), snippet("b"), snippet("c"), now_s=0)
    assert typing.shown(snippet("d"), snippet("c"), snippet("a"), now_s=2) == "acd"


def test_little_that_is_new_is_not_worth_a_change() -> None:
    typing = Typing()
    typing.shown(snippet("a", score=9), snippet("b"), now_s=0)
    assert typing.shown(snippet("a", score=9), snippet("c"), now_s=2) == "ab"


def test_far_away_is_another_place() -> None:
    typing = Typing()
    typing.shown(snippet("a"), now_s=0, line=3)
    assert typing.shown(snippet("b"), now_s=0.1, line=300) == "b"


def test_a_file_that_may_not_be_read_any_more_goes_at_once() -> None:
    typing = Typing()
    typing.shown(snippet("a"), snippet("b"), now_s=0)
    typing.gone = {"a"}
    assert typing.shown(now_s=0.1) == "b"


def test_a_smaller_budget_is_kept_to_at_once_and_costs_the_first() -> None:
    typing = Typing()
    typing.shown(snippet("a"), snippet("b"), now_s=0)
    assert typing.shown(now_s=0.1, budget_characters=10) == "b"


def test_while_there_is_nothing_it_is_searched_each_time() -> None:
    typing = Typing()
    assert typing.shown(now_s=0) == ""
    assert typing.shown(snippet("a"), now_s=0.1) == "a"


def test_what_a_popup_selects_is_looked_for_once_and_shown_behind_the_rest() -> None:
    typing = Typing()
    typing.shown(snippet("a", score=9), now_s=0)
    found = (snippet("a", score=9), snippet("b", "def save(): ..."))
    assert typing.shown(*found, now_s=0.1, chosen="save") == "ab"
    assert typing.shown(snippet("c"), now_s=0.2, chosen="save") == "ab"
    assert typing.n_searches == 2


def test_what_a_popup_selects_changes_nothing_where_it_is_shown_or_not_known() -> None:
    typing = Typing()
    typing.shown(snippet("a", "def save(): ...", score=9), now_s=0)
    assert typing.shown(snippet("b"), now_s=0.1, chosen="save") == "a"
    assert typing.n_searches == 1
    little = (snippet("a", "def save(): ...", score=9), snippet("b"))
    assert typing.shown(*little, now_s=0.2, chosen="load") == "a"
