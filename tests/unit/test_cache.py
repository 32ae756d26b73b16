"""What was suggested is found again, and nothing else."""

from __future__ import annotations

import string

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from starcoder_lsp.cache import UNSURE_END, Cache, Found, Space, Spot
from starcoder_lsp.cache.follow import follow
from starcoder_lsp.flow import Completion, FinishReason, Usage

LINE = "total = "


def spot(prefix: str, suffix: str = "\n", uri: str = "a", model: str = "m") -> Spot:
    return Spot(Space.of(uri, model, suffix), prefix)


def made(*texts: str, ended: FinishReason = "stop") -> list[Completion]:
    return [Completion(text, Usage(finish_reason=ended)) for text in texts]


def texts_at(cache: Cache, where: Spot) -> tuple[str, ...]:
    found = cache.find(where)
    return texts_of(found) if found else ()


def texts_of(found: Found) -> tuple[str, ...]:
    return tuple(completion.text for completion in found.completions)


@pytest.fixture
def cache() -> Cache:
    filled = Cache()
    filled.keep(spot(LINE), made("sum(values)"))
    return filled


def test_a_suggestion_is_found_where_it_was_made(cache: Cache) -> None:
    assert texts_at(cache, spot(LINE)) == ("sum(values)",)


def test_what_the_user_types_of_it_is_left_out(cache: Cache) -> None:
    assert texts_at(cache, spot(LINE + "sum(")) == ("values)",)


@pytest.mark.parametrize("typed", ["x", "sumx", "sum(values)", "sum(values) "])
def test_what_differs_or_is_all_there_is_not_found(cache: Cache, typed: str) -> None:
    assert texts_at(cache, spot(LINE + typed)) == ()


def test_after_undo_it_is_there_again(cache: Cache) -> None:
    texts_at(cache, spot(LINE + "sum(values)"))
    texts_at(cache, spot(LINE + "other"))
    assert texts_at(cache, spot(LINE)) == ("sum(values)",)


def test_suggestions_can_be_forgotten_without_what_was_turned_down(
    cache: Cache,
) -> None:
    cache.reject(spot(LINE), "max(values)")
    cache.forget_suggestions()
    assert texts_at(cache, spot(LINE)) == ()
    assert (len(cache), cache.n_characters) == (0, 0)
    assert cache.is_unwanted(spot(LINE), "max(values)")


@pytest.mark.parametrize(
    "other",
    [
        spot(LINE, uri="b"),
        spot(LINE, model="other"),
        spot(LINE, suffix=")\n"),
        spot("x" + LINE),
        spot(LINE[:-1]),
    ],
)
def test_another_file_model_or_text_around_finds_nothing(
    cache: Cache, other: Spot
) -> None:
    assert texts_at(cache, other) == ()


def test_of_several_the_one_on_the_screen_stays(cache: Cache) -> None:
    cache.keep(spot(LINE + "su"), made("m(other)"))
    assert texts_at(cache, spot(LINE + "sum(")) == ("other)",)
    cache.find(spot(LINE))
    assert texts_at(cache, spot(LINE + "sum(")) == ("values)",)


def test_alternatives_go_as_soon_as_they_differ() -> None:
    cache = Cache()
    cache.keep(spot(""), made("print()", "pass", "print()"), is_full=True)
    assert texts_at(cache, spot("")) == ("print()", "pass")
    assert texts_at(cache, spot("pa")) == ("ss",)


def test_the_end_of_what_was_cut_off_is_not_trusted() -> None:
    cache = Cache()
    text = "a" * UNSURE_END + "b"
    cache.keep(spot(""), made(text, ended="length"))
    assert texts_at(cache, spot("")) == (text,)
    assert texts_at(cache, spot("a")) == ()


def test_what_was_rejected_does_not_come_back(cache: Cache) -> None:
    cache.keep(spot(LINE + "sum(values)"), made("\nprint(total)"))
    cache.reject(spot(LINE + "s"), "um(values)")
    assert texts_at(cache, spot(LINE)) == ()
    assert texts_at(cache, spot(LINE + "sum")) == ()
    assert texts_at(cache, spot(LINE + "sum(values)")) == ()
    assert cache.is_unwanted(spot("total "), "= sum(values)\nand more")
    assert not cache.is_unwanted(spot(LINE), "sum(others)")


def test_a_closed_document_is_forgotten(cache: Cache) -> None:
    cache.reject(spot(LINE), "no")
    cache.forget("a")
    assert len(cache) == 0
    assert cache.n_characters == 0
    assert not cache.is_unwanted(spot(LINE), "no")


def test_a_text_larger_than_everything_allowed_is_not_kept() -> None:
    cache = Cache(max_characters=10)
    cache.keep(spot("x" * 11), made("y"))
    assert len(cache) == 0
    assert cache.n_characters == 0


@pytest.mark.parametrize(
    ("text", "typed", "rest"),
    [
        ("\n    return 1", "\n", "    return 1"),
        ("\n    return 1", "\n    ", "return 1"),
        ("\n    return 1", "\n  ", "  return 1"),
        ("\n    return 1", "\n\t", "return 1"),
        ("\n    return 1", "\n        ret", "urn 1"),
        ("\n    if a:\n        b", "\n\tif", " a:\n\t    b"),
        ("\n    if a:\n        b\n", "\n  if", " a:\n      b\n"),
        ("\n  f(\n)", "\n    f", None),
        ("\n  f(\n)", "\n  f", "(\n)"),
        ("\n\n  x", "\n  \n  ", "x"),
        (" 1", "1", ""),
        ("1", "  ", "1"),
        ("a b", "ab", None),
        ("a", "a\n", None),
        ("\r\n  x", "\r\n\t", "x"),
    ],
)
def test_white_space_around_lines_may_differ(
    text: str, typed: str, rest: str | None
) -> None:
    assert follow(text, typed) == rest


SOME = st.text("ab \n", max_size=6)
SPACES = [Space.of(uri, "m", suffix) for uri in "ab" for suffix in ("", ")")]
SPOTS = st.builds(Spot, st.sampled_from(SPACES), SOME)


class AgainstAList(RuleBasedStateMachine):
    """The cache finds what a list of all entries, searched from the newest, finds."""

    @initialize(max_entries=st.integers(1, 6))
    def begin(self, max_entries: int) -> None:
        self.cache = Cache(max_entries)
        self.max_entries = max_entries
        # The least recently used first.
        self.entries: dict[Spot, tuple[str, ...]] = {}

    @rule(spot=SPOTS, texts=st.lists(SOME, max_size=2))
    def keep(self, spot: Spot, texts: list[str]) -> None:
        self.cache.keep(spot, made(*texts))
        self.entries.pop(spot, None)
        self.entries[spot] = tuple(texts)
        if len(self.entries) > self.max_entries:
            del self.entries[next(iter(self.entries))]

    @rule(spot=SPOTS)
    def find(self, spot: Spot) -> None:
        found = self.cache.find(spot)
        wanted = self._searched(spot)
        assert (texts_of(found) if found else None) == wanted
        for text in wanted or ():
            assert found is not None
            whole = spot.prefix + text
            offered = {
                begun.prefix + one
                for begun, texts in self.entries.items()
                if begun.space == spot.space
                for one in texts
            }
            assert bare(whole) in map(bare, offered), "never what nobody suggested"

    def _searched(self, spot: Spot) -> tuple[str, ...] | None:
        for begun, texts in reversed(self.entries.items()):
            if begun.space != spot.space or not spot.prefix.startswith(begun.prefix):
                continue
            typed = spot.prefix[len(begun.prefix) :]
            rests = [follow(text, typed) for text in texts]
            if left := tuple(dict.fromkeys(r for r in rests if r and r.strip())):
                self.entries[begun] = self.entries.pop(begun)
                return left
        return None

    @rule(space=st.sampled_from(SPACES))
    def forget(self, space: Space) -> None:
        self.cache.forget(space.uri)
        self.entries = {
            p: t for p, t in self.entries.items() if p.space.uri != space.uri
        }

    @invariant()
    def counts(self) -> None:
        if not hasattr(self, "cache"):
            return
        assert len(self.cache) == len(self.entries)
        longest = sum(
            len(p.prefix) + sum(map(len, texts)) for p, texts in self.entries.items()
        )
        assert 0 <= self.cache.n_characters <= longest


def bare(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, string.whitespace)))


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(max_examples=60, stateful_step_count=30)
