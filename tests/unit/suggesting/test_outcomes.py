"""Outcomes of suggestions, from client events or document changes."""

from __future__ import annotations

from typing import Any

import pytest

from starcoder_lsp.flow import Completion, Cursor, Document
from starcoder_lsp.suggesting.cache import CacheKey, CacheScope
from starcoder_lsp.suggesting.outcomes.tracker import (
    CLOSING,
    KEPT_AFTER_S,
    LOOKED_AT_S,
    MAX_WATCHED,
    Offer,
    OutcomeTracker,
)


class Session:
    """A document with a suggestion, and the records about it."""

    def __init__(self, picture: str = "x = █\n", text: str = "value + 1") -> None:
        self.now_s = 1000.0
        self.records: list[dict[str, Any]] = []
        self.rejected: list[str] = []
        self.tracker = OutcomeTracker(
            self.records.append,
            lambda key, text: self.rejected.append(key.prefix + text),
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
        key = CacheKey(CacheScope.of(uri, "m", cursor.suffix), cursor.prefix)
        completion = Completion(text, n_replaced=n_replaced)
        offer = Offer(cursor, key, completion, "m", 12.34, is_first=is_first)
        return self.tracker.offer(offer)

    def becomes(self, *texts: str) -> None:
        for text in texts:
            self.tracker.changed(Document(text, "a", "python"))

    def passes(self, seconds: float) -> None:
        self.now_s += seconds

    @property
    def outcomes(self) -> list[str]:
        self.tracker.close()
        return [record["outcome"] for record in self.records]


def test_a_suggestion_inserted_in_one_change_was_accepted() -> None:
    session = Session()
    session.becomes("x = value + 1\n")
    assert session.outcomes == ["accepted"]
    assert session.records[0]["n_accepted"] == 9


def test_a_word_inserted_in_one_change_was_a_partial_accept() -> None:
    session = Session()
    session.becomes("x = value\n", "x = value * 2\n")
    assert session.outcomes == ["partial"]
    assert session.records[0]["n_accepted"] == 5


def test_a_suggestion_typed_letter_by_letter_was_typed() -> None:
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


def test_text_that_comes_two_letters_at_a_time_was_typed() -> None:
    session = Session(text="value")
    session.becomes("x = va\n", "x = valu\n", "x = value\n")
    assert session.outcomes == ["typed"]


def test_a_suggestion_that_replaces_text_after_the_cursor_is_recognized() -> None:
    session = Session()
    session.offered("y = f(█old)\n", "new)", n_replaced=4)
    session.becomes("y = f(new)\n")
    assert session.outcomes == ["accepted"]


def test_a_change_of_the_text_around_it_ends_a_suggestion() -> None:
    session = Session()
    session.passes(LOOKED_AT_S)
    session.becomes("y = value + 1\n")
    assert session.outcomes == ["ignored"]


def test_a_text_shorter_than_prefix_and_suffix_ends_a_suggestion() -> None:
    session = Session("aa█aa", "b")
    session.passes(LOOKED_AT_S)
    session.becomes("aaa", "aabaa")
    assert session.outcomes == ["ignored"]


def test_a_suggestion_that_was_seen_before_other_text_was_typed_is_ignored() -> None:
    session = Session()
    session.passes(LOOKED_AT_S)
    session.becomes("x = o\n")
    assert session.outcomes == ["ignored"]


def test_a_suggestion_shown_too_briefly_to_be_seen_does_not_count() -> None:
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
def test_deleting_back_rejects_it(texts: list[str]) -> None:
    session = Session()
    session.becomes(*texts)
    assert session.rejected == ["x = value + 1"]
    assert session.outcomes == ["rejected"]


def test_undo_does_not_reject_it() -> None:
    session = Session()
    session.becomes("x = value + 1\n", "x = \n", "x = value + 1\n")
    assert session.rejected == []
    assert session.outcomes == ["accepted"]


def test_an_accepted_suggestion_that_is_undone_and_not_redone_is_ignored() -> None:
    session = Session()
    session.becomes("x = value + 1\n", "x = \n")
    session.passes(LOOKED_AT_S)
    session.becomes("x = other\n")
    assert session.outcomes == ["ignored"]


def test_brackets_closed_by_the_editor_make_no_difference() -> None:
    session = Session("f█\n", "(a, b)")
    session.becomes("f()\n", "f(a)\n", "f(a, b)\n")
    assert session.outcomes == ["accepted"]


def test_an_inserted_closer_is_not_counted_as_typed() -> None:
    session = Session("f█\n", "(ab, c)")
    session.becomes("f(a)\n", "f(ab)\n")
    session.tracker.close()
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
    session.tracker.changed(Document("else", "b", "python"))
    session.becomes("x = value + 1\n")
    assert session.outcomes == ["accepted"]


def test_the_rest_of_a_suggestion_keeps_its_id() -> None:
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
def test_an_offer_that_leads_to_the_same_text_keeps_its_id(
    picture: str, text: str, uri: str, is_same: bool
) -> None:
    session = Session("f█\n", "(a)")
    assert (session.offered(picture, text, uri) == session.id) is is_same


def test_every_kind_of_closer_may_stand_there_already() -> None:
    signs = "".join(sorted(CLOSING))
    session = Session("f█\n", f"(a{signs}")
    assert session.offered(f"f(a█{signs}\n", "") == session.id


def test_the_oldest_suggestion_is_settled_when_there_are_too_many() -> None:
    session = Session()
    for n in range(1, MAX_WATCHED):
        session.offered(f"y{n} = █\n", "2")
    session.passes(LOOKED_AT_S)
    assert session.records == []
    session.offered("z = █\n", "2")
    assert [record["n_characters"] for record in session.records] == [9]


def test_an_alternative_that_the_client_shows_is_counted() -> None:
    session = Session()
    second = session.offered("y = █\n", "2", is_first=False)
    session.tracker.shown("no such id")
    session.passes(10)
    session.tracker.shown(second)
    session.passes(LOOKED_AT_S)
    session.tracker.closed("a")
    assert [record["at"] for record in session.records] == [1000, 1010]


def test_a_suggestion_accepted_and_then_rejected_counts_as_rejected() -> None:
    session = Session()
    second = session.offered("y = █\n", "2 + 3", is_first=False)
    session.tracker.accepted(second, 3)
    session.tracker.rejected(second)
    assert [record["outcome"] for record in session.records] == ["rejected"]


def test_a_part_that_is_seen_and_told_counts_once() -> None:
    session = Session()
    session.becomes("x = value\n")
    session.tracker.accepted(session.id, 5)
    assert session.outcomes == ["partial"]
    assert session.records[0]["n_accepted"] == 5


def test_a_client_that_reports_shown_suggestions_is_believed() -> None:
    session = Session()
    session.tracker.shown(session.id)
    unseen = session.offered("y = █\n", "2")
    session.tracker.accepted(session.id)
    session.passes(10)
    assert unseen != session.id
    assert session.outcomes == ["accepted"]


def test_a_partial_accept_that_is_reported_and_seen_counts_once() -> None:
    session = Session()
    session.tracker.accepted(session.id, 5)
    session.becomes("x = value\n")
    session.passes(1)
    assert session.outcomes == ["partial"]
    assert session.records[0]["n_accepted"] == 5


def test_a_client_may_reject_it() -> None:
    session = Session()
    session.tracker.rejected(session.id)
    assert session.rejected == ["x = value + 1"]


def test_the_surviving_share_is_measured_after_half_a_minute() -> None:
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
def test_an_accepted_suggestion_that_is_not_in_the_text_counts_as_not_kept(
    text: str,
) -> None:
    session = Session(text=text)
    session.tracker.accepted("no such id")
    session.tracker.accepted(session.id)
    session.passes(KEPT_AFTER_S)
    session.tracker.closed("a")
    (record,) = session.records
    assert record["kept"] == 0.0


def test_a_record_holds_figures_and_no_text_of_the_document() -> None:
    session = Session()
    session.becomes("x = v\n", "x = value + 1\n")
    session.tracker.closed("a")
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
    assert session.tracker._texts == {}


def test_a_suggestion_accepted_at_once_has_no_typed_characters() -> None:
    session = Session()
    session.becomes("x = value + 1\n")
    session.tracker.closed("a")
    assert session.records[0]["n_typed"] == 0
