"""The cache finds the suggestions that were made for a place, and no others."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from starcoder_lsp.flow import Completion, FinishReason, Usage
from starcoder_lsp.suggesting.cache import (
    UNSURE_END,
    Cache,
    CacheHit,
    CacheKey,
    CacheScope,
)
from starcoder_lsp.suggesting.cache.follow import follow
from starcoder_lsp.suggesting.cache.trie import Trie

LINE = "total = "


def key(prefix: str, suffix: str = "\n", uri: str = "a", model: str = "m") -> CacheKey:
    return CacheKey(CacheScope.of(uri, model, suffix), prefix)


def made(*texts: str, ended: FinishReason = "stop") -> list[Completion]:
    return [Completion(text, Usage(finish_reason=ended)) for text in texts]


def texts_at(cache: Cache, where: CacheKey) -> tuple[str, ...]:
    found = cache.find(where)
    return texts_of(found) if found else ()


def texts_of(found: CacheHit) -> tuple[str, ...]:
    return tuple(completion.text for completion in found.completions)


@pytest.fixture
def cache() -> Cache:
    filled = Cache()
    filled.keep(key(LINE), made("sum(values)"))
    return filled


def test_a_suggestion_is_found_where_it_was_made(cache: Cache) -> None:
    assert texts_at(cache, key(LINE)) == ("sum(values)",)
    hit = cache.find(key(LINE))
    assert hit is not None
    assert (hit.begun_at, hit.is_full, hit.is_short) == (key(LINE), False, False)


def test_the_typed_part_of_a_suggestion_is_left_out(cache: Cache) -> None:
    assert texts_at(cache, key(LINE + "sum(")) == ("values)",)


@pytest.mark.parametrize("typed", ["x", "sumx", "sum(values)", "sum(values) "])
def test_other_text_or_the_whole_suggestion_finds_nothing(
    cache: Cache, typed: str
) -> None:
    assert texts_at(cache, key(LINE + typed)) == ()


def test_after_undo_the_suggestion_is_found_again(cache: Cache) -> None:
    texts_at(cache, key(LINE + "sum(values)"))
    texts_at(cache, key(LINE + "other"))
    assert texts_at(cache, key(LINE)) == ("sum(values)",)


def test_suggestions_can_be_forgotten_without_the_rejections(
    cache: Cache,
) -> None:
    cache.reject(key(LINE), "max(values)")
    cache.forget_suggestions()
    assert texts_at(cache, key(LINE)) == ()
    assert (len(cache), cache.n_characters) == (0, 0)
    assert cache.is_unwanted(key(LINE), "max(values)")


@pytest.mark.parametrize(
    "other",
    [
        key(LINE, uri="b"),
        key(LINE, model="other"),
        key(LINE, suffix=")\n"),
        key("x" + LINE),
        key(LINE[:-1]),
    ],
)
def test_another_file_model_or_text_around_finds_nothing(
    cache: Cache, other: CacheKey
) -> None:
    assert texts_at(cache, other) == ()


def test_of_several_entries_the_one_on_the_screen_is_found(cache: Cache) -> None:
    cache.keep(key(LINE + "su"), made("m(other)"))
    assert texts_at(cache, key(LINE + "sum(")) == ("other)",)
    cache.find(key(LINE))
    assert texts_at(cache, key(LINE + "sum(")) == ("values)",)


def test_alternatives_are_dropped_once_the_typed_text_differs() -> None:
    cache = Cache()
    cache.keep(key(""), made("print()", "pass", "print()"), is_full=True)
    assert texts_at(cache, key("")) == ("print()", "pass")
    assert texts_at(cache, key("pa")) == ("ss",)


def test_the_last_characters_of_a_cut_off_text_are_not_offered() -> None:
    cache = Cache()
    text = "a" * UNSURE_END + "b"
    cache.keep(key(""), made(text, ended="length"))
    assert texts_at(cache, key("")) == (text,)
    assert texts_at(cache, key("a")) == ()


def test_a_rejected_suggestion_is_unwanted_nearby_too(cache: Cache) -> None:
    cache.keep(key(LINE + "sum(values)"), made("\nprint(total)"))
    cache.reject(key(LINE + "s"), "um(values)")
    assert cache.is_unwanted(key(LINE), "sum(values)")
    assert cache.is_unwanted(key("total "), "= sum(values) \r\nand more")
    assert not cache.is_unwanted(key(LINE), "sum(others)")
    assert not cache.is_unwanted(key(LINE, model="other"), "sum(values)")
    assert cache.find(key(LINE + "sum(values)")) is None


@pytest.mark.parametrize(
    ("rejected", "n_left"),
    [("su", 0), ("sum(", 0), ("sum(va", 1), ("sum(values) + 1", 1), ("sun", 2)],
)
def test_rejecting_a_suggestion_forgets_what_follows_it(
    rejected: str, n_left: int
) -> None:
    cache = Cache()
    for begun in ("sum(", "sum(values) + 1"):
        cache.keep(key(LINE + begun), made("more"))
    cache.reject(key(LINE), rejected)
    assert len(cache) == n_left


def test_rejecting_another_text_forgets_nothing(
    cache: Cache,
) -> None:
    cache.reject(key(LINE), "sun")
    cache.reject(key(LINE), "x")
    assert texts_at(cache, key(LINE)) == ("sum(values)",)


def test_a_text_is_rejected_up_to_the_end_of_its_first_line(cache: Cache) -> None:
    cache.reject(key(LINE), "\n\nfirst = 1\nsecond = 2\nthird = 3")
    assert cache.is_unwanted(key(LINE), "\n\nfirst = 1\nother = 2\n")
    assert not cache.is_unwanted(key(LINE), "\n\nfirst = 2\nsecond = 2\n")


def test_a_cut_off_text_does_not_hide_the_ones_after_it() -> None:
    cache = Cache()
    cut_off, whole = made("ab", ended="length") + made("a whole one")
    cache.keep(key(""), [cut_off, whole])
    assert texts_at(cache, key("a")) == (" whole one",)


@pytest.mark.parametrize("n_common", range(9))
def test_a_trie_keeps_common_beginnings_once(n_common: int) -> None:
    trie, text = Trie[int](), "abcdefgh"
    other = text[:n_common] + "XYZ"
    trie.node_at(text).value = 1
    trie.node_at(other).value = 2
    assert trie.n_characters == len(text) + len(other) - n_common
    found = [(node.value, n) for node, n in trie.on_the_way(other) if node.value]
    assert found[-1] == (2, len(other))
    # The root, what is common, and the rest.
    assert len(list(trie.on_the_way(other))) <= 3
    assert [node.value for node in trie.below(other)] == [2]


def test_an_empty_answer_is_known_only_at_its_own_place() -> None:
    cache = Cache()
    cache.keep(key(LINE), made(""))
    found = cache.find(key(LINE))
    assert found is not None
    assert found.completions == ()
    assert cache.find(key(LINE + "s")) is None


def test_a_closed_document_is_forgotten(cache: Cache) -> None:
    cache.reject(key(LINE), "no")
    cache.forget("a")
    assert len(cache) == 0
    assert cache.n_characters == 0
    assert not cache.is_unwanted(key(LINE), "no")


def test_a_text_larger_than_the_cache_is_not_kept() -> None:
    cache = Cache(max_characters=10)
    cache.keep(key("x" * 10), made("y"))
    assert len(cache) == 0
    assert cache.n_characters == 0
    cache.keep(key("x" * 9), made("y"))
    assert (len(cache), cache.n_characters) == (1, 10)


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
        ("\nif a:\n    b\n    c", "\nif a: \n  ", "  b\n    c"),
        ("\nif a:\n    b\n    c", "\nif a: \n\t", "b\n\tc"),
        ("\nif a:\n  b\n  c", "\nif a:\n\tb", "\n\tc"),
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


@given(st.text("ab \t\n", max_size=12), st.text("ab \t\n", max_size=8))
def test_the_typed_text_and_the_rest_make_the_suggestion(text: str, typed: str) -> None:
    rest = follow(text, typed)
    if text.startswith(typed):
        assert rest == text[len(typed) :]
    elif rest is not None:
        assert bare(typed + rest) == bare(text)


@given(
    st.text("ab \n", max_size=12), st.integers(0, 12), st.sampled_from(["", "\t", "  "])
)
def test_lines_may_have_another_indentation(
    text: str, n_typed: int, indent: str
) -> None:
    head, *lines = text[:n_typed].split("\n")
    typed = "\n".join([head, *(indent + line.lstrip() for line in lines)])
    rest = follow(text, typed)
    if rest is None:
        # Lines below would stand left of the margin.
        assert "\n" in text[n_typed:].rstrip()
    else:
        assert bare(typed + rest) == bare(text)


def bare(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, string.whitespace)))


SOME = st.text("ab \n", max_size=4)
SAYING = SOME.filter(str.strip)
# A document, a model, and the text after the cursor, without the cache's own key.
WHERE = st.tuples(st.sampled_from("de"), st.sampled_from("mn"), st.sampled_from(" )"))
Where = tuple[str, str, str]


@dataclass(frozen=True)
class Entry:
    where: Where
    prefix: str
    texts: tuple[str, ...]

    def left(self, where: Where, prefix: str) -> tuple[str, ...]:
        """Return the rest of its texts at a place; none if they do not lead there."""
        if self.where != where or not prefix.startswith(self.prefix):
            return ()
        rests = [follow(text, prefix[len(self.prefix) :]) for text in self.texts]
        return tuple(dict.fromkeys(rest for rest in rests if rest and rest.strip()))


def key_at(where: Where, prefix: str) -> CacheKey:
    uri, model, suffix = where
    return CacheKey(CacheScope.of(uri, model, suffix), prefix)


class AgainstAList(RuleBasedStateMachine):
    """Compares the cache with a list of all entries, searched from the newest."""

    @initialize(max_entries=st.integers(1, 6))
    def begin(self, max_entries: int) -> None:
        self.cache = Cache(max_entries)
        self.max_entries = max_entries
        # The least recently used first.
        self.entries: list[Entry] = []
        self.unwanted: set[tuple[Where, str]] = set()

    @rule(where=WHERE, prefix=SOME, texts=st.lists(SAYING | SOME, max_size=2))
    def keep(self, where: Where, prefix: str, texts: list[str]) -> None:
        self.cache.keep(key_at(where, prefix), made(*texts))
        self._forget_if(lambda one: (one.where, one.prefix) == (where, prefix))
        self.entries.append(Entry(where, prefix, tuple(texts)))
        del self.entries[: -self.max_entries]

    @rule(where=WHERE, prefix=SOME)
    def find(self, where: Where, prefix: str) -> None:
        found = self.cache.find(key_at(where, prefix))
        assert (texts_of(found) if found else None) == self._searched(where, prefix)

    @rule(data=st.data(), elsewhere=st.none() | WHERE)
    def find_near(self, data: st.DataObject, elsewhere: Where | None) -> None:
        """Search near a known entry, or at the same text elsewhere."""
        where, prefix, _ = self._near(data)
        self.find(elsewhere or where, prefix)

    @rule(data=st.data())
    def keep_near(self, data: st.DataObject) -> None:
        self.keep(*self._near(data))

    def _near(self, data: st.DataObject) -> tuple[Where, str, list[str]]:
        """Draw a place inside a known suggestion and a rest for it; either may be wrong."""
        if not self.entries:
            return ("d", "m", " "), "", []
        entry = data.draw(st.sampled_from(self.entries))
        text = data.draw(st.sampled_from(entry.texts or ("",)))
        n_typed = data.draw(st.integers(0, len(text)))
        prefix = entry.prefix + text[:n_typed]
        prefix = data.draw(st.sampled_from([prefix, prefix + " ", prefix[:-1] + "a"]))
        rest = text[n_typed:]
        return entry.where, prefix, [data.draw(st.sampled_from([rest + "b", rest]))]

    def _searched(self, where: Where, prefix: str) -> tuple[str, ...] | None:
        for entry in reversed(self.entries):
            left = entry.left(where, prefix)
            if left or (entry.where, entry.prefix) == (where, prefix):
                self.entries.remove(entry)
                self.entries.append(entry)
                return left
        return None

    @rule(where=WHERE, prefix=SOME, text=SAYING)
    def reject(self, where: Where, prefix: str, text: str) -> None:
        self.cache.reject(key_at(where, prefix), text)
        self.unwanted.add((where, first_line(prefix + text, len(prefix))))
        whole = prefix + text
        self._forget_if(lambda one: one.where == where and one.prefix.startswith(whole))

    @rule(data=st.data(), elsewhere=st.none() | WHERE, prefix=SOME, text=SAYING)
    def check_is_unwanted(
        self, data: st.DataObject, elsewhere: Where | None, prefix: str, text: str
    ) -> None:
        where = elsewhere or ("d", "m", " ")
        if self.unwanted:
            known, line = data.draw(st.sampled_from(sorted(self.unwanted)))
            where, at = elsewhere or known, data.draw(st.integers(0, len(line) - 1))
            prefix, text = line[:at], line[at:] + data.draw(st.sampled_from(["", "b"]))
        is_unwanted = (where, first_line(prefix + text, len(prefix))) in self.unwanted
        assert self.cache.is_unwanted(key_at(where, prefix), text) == is_unwanted

    @rule(uri=st.sampled_from("de"))
    def forget(self, uri: str) -> None:
        self.cache.forget(uri)
        self._forget_if(lambda one: one.where[0] == uri)
        self.unwanted = {row for row in self.unwanted if row[0][0] != uri}

    def _forget_if(self, is_gone: Callable[[Entry], bool]) -> None:
        self.entries = [one for one in self.entries if not is_gone(one)]

    @invariant()
    def counts(self) -> None:
        if not hasattr(self, "cache"):
            return
        assert len(self.cache) == len(self.entries)
        beginnings = {
            (one.where, one.prefix[:n])
            for one in self.entries
            for n in range(1, len(one.prefix) + 1)
        }
        n_written = sum(len(text) for one in self.entries for text in one.texts)
        assert self.cache.n_characters == len(beginnings) + n_written


def first_line(text: str, start: int) -> str:
    """Return `text` up to the end of the first line after `start` that is not blank."""
    blank = len(text[start:]) - len(text[start:].lstrip())
    return text[: start + blank] + text[start + blank :].partition("\n")[0].rstrip()


@pytest.mark.parametrize(
    ("text", "start", "line"), [("ab\nc", 1, "ab"), ("a\n b \nc", 1, "a\n b")]
)
def test_a_line_is_rejected_up_to_its_end(text: str, start: int, line: str) -> None:
    assert first_line(text, start) == line


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(stateful_step_count=50)
