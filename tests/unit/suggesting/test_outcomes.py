"""What becomes of suggestions, told or seen."""

from __future__ import annotations

from typing import Any

import pytest

from starcoder_lsp.flow import Completion, Cursor, Document
from starcoder_lsp.suggesting.cache import Space, Spot
from starcoder_lsp.suggesting.outcomes.tracker import (
    CLOSING,
    KEPT_AFTER_S,
    LOOKED_AT_S,
    N_WATCHED,
    Fates,
    Offer,
)


class Session:
    """A document with a suggestion in it, and what was reported."""

    def __init__(self, picture: str = "x = █\n", text: str = "value + 1") -> None:
        self.now_s = 1000.0
        self.records: list[dict[str, Any]] = []
        self.rejected: list[str] = []
        self.fates = Fates(
            self.records.append,
            lambda spot, text: self.rejected.append(spot.prefix + text),
            lambda: self.now_s,
        )
        self.id = self.offered(picture, text)

    def offered(
        self,
        picture: str,
        text: str,
        uri: str = "a",
        *,
        is_first: bool = True,
        n_replaced: int = 0,
    ) -> str:
        marked = Cursor.marked(picture)
        cursor = Cursor(Document(marked.document.text, uri, "python"), marked.offset)
        spot = Spot(Space.of(uri, "m", cursor.suffix), cursor.prefix)
        completion = Completion(text, n_replaced=n_replaced)
        offer = Offer(cursor, spot, completion, "m", 12.34, is_first=is_first)
        return self.fates.offer(offer)

    def becomes(self, *texts: str) -> None:
        for text in texts:
            self.fates.changed(Document(text, "a", "python"))

    def passes(self, seconds: float) -> None:
        self.now_s += seconds

    @property
    def outcomes(self) -> list[str]:
        self.fates.close()
        return [record["outcome"] for record in self.records]


def test_text_that_is_there_at_once_was_accepted() -> None:
    session = Session()
    session.becomes("x = value + 1\n")
    assert session.outcomes == ["accepted"]
    assert session.records[0]["n_accepted"] == 9


def test_a_word_at_once_was_accepted_in_part() -> None:
    session = Session()
    session.becomes("x = value\n", "x = value * 2\n")
    assert session.outcomes == ["partial"]
    assert session.records[0]["n_accepted"] == 5


def test_what_is_typed_letter_by_letter_was_typed() -> None:
    session = Session()
    session.becomes(*(f"x = {'value + 1'[:n]}\n" for n in range(1, 10)))
    assert session.outcomes == ["typed"]
    assert session.records[0]["n_accepted"] == 0


def test_of_five_suggestions_the_first_one_still_counts() -> None:
    session = Session()
    for other in "abcd":
        session.offered("x = █\n", other, is_first=False)
    session.passes(LOOKED_AT_S)
    session.becomes("x = value + 1\n")
    assert session.outcomes == ["accepted"]


def test_what_comes_one_or_two_letters_at_a_time_is_typed() -> None:
    session = Session(text="value")
    session.becomes("x = va\n", "x = valu\n", "x = value\n")
    assert session.outcomes == ["typed"]


def test_a_suggestion_that_replaces_what_follows_is_seen_in_place_of_it() -> None:
    session = Session()
    session.offered("y = f(█old)\n", "new)", n_replaced=4)
    session.becomes("y = f(new)\n")
    assert session.outcomes == ["accepted"]


def test_where_the_text_around_it_changes_it_is_passed_by() -> None:
    session = Session()
    session.passes(LOOKED_AT_S)
    session.becomes("y = value + 1\n")
    assert session.outcomes == ["ignored"]


def test_a_text_too_short_for_what_stood_around_it_is_another_one() -> None:
    session = Session("aa█aa", "b")
    session.passes(LOOKED_AT_S)
    session.becomes("aaa", "aabaa")
    assert session.outcomes == ["ignored"]


def test_something_else_typed_after_a_while_is_no_interest() -> None:
    session = Session()
    session.passes(LOOKED_AT_S)
    session.becomes("x = o\n")
    assert session.outcomes == ["ignored"]


def test_what_nobody_had_time_to_see_does_not_count() -> None:
    session = Session()
    session.becomes("x = o\n")
    assert session.outcomes == []


@pytest.mark.parametrize(
    "texts",
    [
        ["x = v\n", "x = va\n", "x = v\n"],
        ["x = value + 1\n", "x = value + \n"],
        ["x = value + 1\n", "x = value + 1\ny\n", "x = value + 1\n", "x = value +\n"],
    ],
)
def test_deleting_back_turns_it_down(texts: list[str]) -> None:
    session = Session()
    session.becomes(*texts)
    assert session.rejected == ["x = value + 1"]
    assert session.outcomes == ["rejected"]


def test_undo_does_not_turn_it_down() -> None:
    session = Session()
    session.becomes("x = value + 1\n", "x = \n", "x = value + 1\n")
    assert session.rejected == []
    assert session.outcomes == ["accepted"]


def test_what_is_undone_was_not_accepted_in_the_end() -> None:
    session = Session()
    session.becomes("x = value + 1\n", "x = \n")
    session.passes(LOOKED_AT_S)
    session.becomes("x = other\n")
    assert session.outcomes == ["ignored"]


def test_brackets_closed_by_the_editor_are_no_difference() -> None:
    session = Session("f█\n", "(a, b)")
    session.becomes("f()\n", "f(a)\n", "f(a, b)\n")
    assert session.outcomes == ["accepted"]


def test_a_bracket_closed_after_the_last_letter_counts_once() -> None:
    session = Session("f█\n", "(ab, c)")
    session.becomes("f(a)\n", "f(ab)\n")
    session.fates.close()
    assert session.records[0]["n_typed"] + session.records[0]["n_accepted"] == 3


def test_a_suggestion_that_the_editor_closes_is_counted_once() -> None:
    session = Session("f█\n", "(a, b)")
    session.becomes("f()\n")
    assert session.offered("f(█)\n", "a, b") == session.id
    session.becomes("f(a, b)\n")
    assert session.outcomes == ["accepted"]


def test_another_document_changes_nothing() -> None:
    session = Session()
    session.passes(LOOKED_AT_S)
    session.fates.changed(Document("else", "b", "python"))
    session.becomes("x = value + 1\n")
    assert session.outcomes == ["accepted"]


def test_what_is_left_of_a_suggestion_is_the_same_one() -> None:
    session = Session()
    assert session.offered("x = va█\n", "lue + 1") == session.id
    assert session.offered("x = va█\n", "lid") != session.id


@pytest.mark.parametrize(
    ("picture", "text", "uri", "is_same"),
    [
        ("f█\n", "(a)", "a", True),
        ("f█\n", "(a)", "b", False),
        ("f█)\n", "(a", "a", True),
        ("f█\n", "(a", "a", False),
        ("f█a)\n", "(", "a", False),
    ],
)
def test_what_leads_to_the_same_text_is_the_same_one(
    picture: str, text: str, uri: str, is_same: bool
) -> None:
    session = Session("f█\n", "(a)")
    assert (session.offered(picture, text, uri) == session.id) is is_same


def test_every_sign_that_an_editor_closes_may_stand_there_already() -> None:
    signs = "".join(sorted(CLOSING))
    session = Session("f█\n", f"(a{signs}")
    assert session.offered(f"f(a█{signs}\n", "") == session.id


def test_the_oldest_is_passed_by_when_there_are_more_than_are_watched() -> None:
    session = Session()
    for n in range(1, N_WATCHED):
        session.offered(f"y{n} = █\n", "2")
    session.passes(LOOKED_AT_S)
    assert session.records == []
    session.offered("z = █\n", "2")
    assert [record["n_characters"] for record in session.records] == [9]


def test_what_a_client_shows_counts_though_it_was_not_the_first() -> None:
    session = Session()
    second = session.offered("y = █\n", "2", is_first=False)
    session.fates.shown("no such id")
    session.passes(10)
    session.fates.shown(second)
    session.passes(LOOKED_AT_S)
    session.fates.closed("a")
    assert [record["at"] for record in session.records] == [1000, 1010]


def test_what_was_accepted_and_then_turned_down_was_shown() -> None:
    session = Session()
    second = session.offered("y = █\n", "2 + 3", is_first=False)
    session.fates.accepted(second, 3)
    session.fates.rejected(second)
    assert [record["outcome"] for record in session.records] == ["rejected"]


def test_a_part_that_is_seen_and_told_counts_once() -> None:
    session = Session()
    session.becomes("x = value\n")
    session.fates.accepted(session.id, 5)
    assert session.outcomes == ["partial"]
    assert session.records[0]["n_accepted"] == 5


def test_a_client_that_tells_is_believed() -> None:
    session = Session()
    session.fates.shown(session.id)
    unseen = session.offered("y = █\n", "2")
    session.fates.accepted(session.id)
    session.passes(10)
    assert unseen != session.id
    assert session.outcomes == ["accepted"]


def test_a_part_that_is_told_and_seen_counts_once() -> None:
    session = Session()
    session.fates.accepted(session.id, 5)
    session.becomes("x = value\n")
    session.passes(1)
    assert session.outcomes == ["partial"]
    assert session.records[0]["n_accepted"] == 5


def test_a_client_may_turn_it_down() -> None:
    session = Session()
    session.fates.rejected(session.id)
    assert session.rejected == ["x = value + 1"]


def test_after_half_a_minute_it_is_seen_how_much_was_kept() -> None:
    session = Session(text="a_long_value\ny = 2")
    session.becomes("x = a_long_value\ny = 2\n", "x = a_long_value\ny = 3\n")
    session.passes(KEPT_AFTER_S - 1)
    session.becomes("x = a_long_value\ny = 34\n")
    assert session.records == []
    session.passes(1)
    session.becomes("x = a_long_value\ny = 345\n")
    (record,) = session.records
    assert record["kept"] == 12 / 17


@pytest.mark.parametrize("text", ["value", " \n "])
def test_of_what_is_accepted_unseen_nothing_is_kept(text: str) -> None:
    session = Session(text=text)
    session.fates.accepted("no such id")
    session.fates.accepted(session.id)
    session.passes(KEPT_AFTER_S)
    session.fates.closed("a")
    (record,) = session.records
    assert record["kept"] == 0.0


def test_a_record_holds_figures_and_no_text() -> None:
    session = Session()
    session.becomes("x = v\n", "x = value + 1\n")
    session.fates.closed("a")
    assert session.records == [
        {
            "at": 1000,
            "language": "python",
            "model": "m",
            "outcome": "accepted",
            "n_characters": 9,
            "n_accepted": 8,
            "n_typed": 1,
            "latency_ms": 12.3,
            "is_known": False,
            "kept": None,
        }
    ]
    assert session.fates._texts == {}


def test_what_is_accepted_at_once_was_not_typed() -> None:
    session = Session()
    session.becomes("x = value + 1\n")
    session.fates.closed("a")
    assert session.records[0]["n_typed"] == 0
