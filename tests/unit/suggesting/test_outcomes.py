"""Outcomes of suggestions, from client events or document changes."""

from __future__ import annotations

from typing import Any

import pytest

from starcoder_lsp.flow import Completion, Cursor, Document
from starcoder_lsp.suggesting.cache import CacheKey, CacheScope
from starcoder_lsp.suggesting.outcomes.tracker import (
    KEPT_AFTER_S,
    LOOKED_AT_S,
    Offer,
    OutcomeTracker,
    share_kept,
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
        self, picture: str, text: str, uri: str = "a", *, is_first: bool = True
    ) -> str:
        marked = Cursor.marked(picture)
        cursor = Cursor(Document(marked.document.text, uri, "python"), marked.offset)
        key = CacheKey(CacheScope.of(uri, "m", cursor.suffix), cursor.prefix)
        offer = Offer(cursor, key, Completion(text), "m", 12.0, is_first=is_first)
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


def test_brackets_closed_by_the_editor_make_no_difference() -> None:
    session = Session("f█\n", "(a, b)")
    session.becomes("f()\n", "f(a)\n", "f(a, b)\n")
    assert session.outcomes == ["accepted"]


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
    session = Session(text="value\ny = 2")
    session.becomes("x = value\ny = 2\n", "x = value\ny = 3\n")
    session.passes(KEPT_AFTER_S)
    session.becomes("x = value\ny = 34\n")
    (record,) = session.records
    assert record["kept"] == share_kept("value\ny = 2", "x = value\ny = 34\n")
    assert 0 < record["kept"] < 1


def test_a_record_holds_no_text() -> None:
    session = Session()
    session.becomes("x = value + 1\n")
    session.tracker.closed("a")
    (record,) = session.records
    texts = [value for value in record.values() if isinstance(value, str)]
    assert set(texts) == {"python", "m", "accepted"}
