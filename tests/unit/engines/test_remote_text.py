"""The parts of the remote engine that take text apart: prompts, stops, events, pace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import dialects as speak
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starcoder_lsp.engines.remote.pace import Measured, Pace
from starcoder_lsp.engines.remote.prompt.vocabulary import (
    ServerVocabulary,
    broken,
    spellings,
    split_spellings,
)
from starcoder_lsp.engines.remote.stops import StopFilter
from starcoder_lsp.engines.remote.transport.events import (
    JsonLines,
    Lines,
    ServerSentEvents,
)
from starcoder_lsp.engines.remote.trouble import Trouble, of_answer

PATTERN = spellings(frozenset(speak.CONTROLS))
# Text that is full of pieces of control tokens.
TEXTS = st.lists(
    st.sampled_from(
        [
            "<",
            ">",
            "|",
            "fim_",
            "prefix",
            "<fim_prefix>",
            "<|endoftext|>",
            "[INST]",
            "</s>",
            " ",
            "\n\n",
            "x",
            "é",
        ]
    ),
    max_size=30,
).map("".join)


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    places = sorted({min(one, len(data)) for one in at})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(TEXTS)
def test_no_part_of_a_split_text_holds_a_spelling(text: str) -> None:
    parts = list(split_spellings(text, PATTERN))
    assert "".join(parts) == text
    assert not any(PATTERN.search(part) for part in parts)


@given(TEXTS)
def test_a_broken_text_holds_no_spelling_and_differs_only_by_spaces(text: str) -> None:
    found = broken(text, PATTERN)
    assert not PATTERN.search(found)
    assert found.replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize(
    "text", ["a <b> c", "<div>x</div>", "List<string> x", "a[I] = b"]
)
def test_usual_code_stays_as_it_is(text: str) -> None:
    assert broken(text, PATTERN) == text


class Tokenizer:
    """A server's tokenizer; `asked` are the texts that it was asked for."""

    def __init__(self, *, parses_always: bool) -> None:
        self.parses_always = parses_always
        self.asked: list[str] = []

    async def __call__(self, text: str, special: bool, beginning: bool) -> list[int]:
        self.asked.append(text)
        begun = [0] if beginning else []
        return begun + speak.tokens_of(text, parses=special or self.parses_always)


async def vocabulary_of(tokenizer: Tokenizer) -> ServerVocabulary:
    vocabulary = ServerVocabulary(
        tokenizer, speak.CONTROLS, parses_always=tokenizer.parses_always
    )
    await vocabulary.set_up()
    tokenizer.asked.clear()
    return vocabulary


@pytest.mark.parametrize("parses_always", [False, True])
async def test_text_is_tokenized_as_text_whatever_the_server_parses(
    parses_always: bool,
) -> None:
    vocabulary = await vocabulary_of(Tokenizer(parses_always=parses_always))
    assert vocabulary.beginning == [0]
    assert vocabulary.control("<file_sep>") == speak.CONTROLS.index("<file_sep>")
    assert vocabulary.control("<none>") is None
    text = "x <file_sep> y\n\n<|endoftext|>\n" * 300
    await vocabulary.prepare([text])
    assert vocabulary.encode(text) == speak.tokens_of(text, parses=False)


async def test_a_keystroke_asks_for_few_tokens() -> None:
    tokenizer = Tokenizer(parses_always=False)
    vocabulary = await vocabulary_of(tokenizer)
    paragraphs = [f"def f{n}(x):\n    return x + {n}\n\n" for n in range(200)]
    await vocabulary.prepare(["".join(paragraphs)])
    tokenizer.asked.clear()
    # In the middle of the document, where an edit moves what follows.
    paragraphs[100] = "def f100(x):\n    return y + 100\n\n"
    text = "".join(paragraphs)
    await vocabulary.prepare([text])
    assert vocabulary.encode(text) == speak.tokens_of(text, parses=False)
    assert len(tokenizer.asked) <= 2
    assert sum(map(len, tokenizer.asked)) < len(text) / 5
    tokenizer.asked.clear()
    await vocabulary.prepare([text])
    assert not tokenizer.asked


async def test_requests_at_the_same_time_share_a_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "starcoder_lsp.engines.remote.prompt.vocabulary.KEPT_CHARACTERS", 50
    )
    tokenizer = Tokenizer(parses_always=False)
    vocabulary = await vocabulary_of(tokenizer)
    # All four ask for the same, which is counted once.
    await asyncio.gather(*(vocabulary.prepare(["a" * 20, "b" * 20]) for _ in range(4)))
    tokenizer.asked.clear()
    await vocabulary.prepare(["a" * 20, "b" * 20])
    assert not tokenizer.asked


async def test_a_text_that_another_request_pushes_out_of_the_cache_is_still_encoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "starcoder_lsp.engines.remote.prompt.vocabulary.KEPT_CHARACTERS", 50
    )
    vocabulary = await vocabulary_of(Tokenizer(parses_always=False))
    await vocabulary.prepare(["old " * 5])

    async def encoded() -> list[int]:
        await vocabulary.prepare(["old " * 5, "new"])
        return vocabulary.encode("old " * 5)

    other = vocabulary.prepare(["x" * 45])
    _, tokens = await asyncio.gather(other, encoded())
    assert tokens == speak.tokens_of("old " * 5, parses=False)


async def test_tokens_that_are_no_numbers_are_another_dialect() -> None:
    async def spelled(text: str, special: bool, beginning: bool) -> list[int]:
        return ["a"]  # type: ignore[list-item]  # what a wrong server answers

    with pytest.raises(Trouble, match="wrong dialect"):
        await ServerVocabulary(spelled, [], parses_always=False).set_up()


STOPS = ("<file_sep>", "<fim_prefix>", "<|endoftext|>")


@given(
    st.lists(
        st.sampled_from(
            ["<", "<fi", "le_", "sep>", "<file_sep>", "<fim_", "prefix>", "a"]
        )
    )
)
def test_the_text_before_a_stop_is_the_same_however_it_comes(pieces: list[str]) -> None:
    whole = "".join(pieces)
    ends = [at for stop in STOPS if (at := whole.find(stop)) >= 0]
    stops, found = StopFilter(STOPS), ""
    for piece in pieces:
        found += stops.feed(piece)
        if stops.is_over:
            break
    assert stops.is_over == bool(ends)
    assert found + stops.end() == whole[: min(ends, default=len(whole))]


EVENTS = [{"a": "é"}, {"b": "line\nbreak"}, {"c": [1, 2]}]


@given(st.lists(st.integers(0, 200)), st.sampled_from(["\n", "\r\n"]))
def test_events_are_the_same_however_the_bytes_are_cut(
    at: list[int], newline: str
) -> None:
    text = ": comment\n\n" + "".join(
        f"event: x\ndata: {json.dumps(one, ensure_ascii=False)}\n\n" for one in EVENTS
    )
    data = (text + "data: [DONE]").replace("\n", newline).encode()
    lines, format = Lines(), ServerSentEvents()
    found = [
        event
        for chunk in cut(data, at)
        for line in lines.feed(chunk)
        for event in format.feed(line)
    ]
    found += [event for line in lines.end() for event in format.feed(line)]
    assert [*found, *format.end()] == EVENTS


@given(st.lists(st.binary(max_size=20)))
def test_any_bytes_are_events_or_a_trouble(chunks: list[bytes]) -> None:
    kinds = set()
    for format in (ServerSentEvents(), JsonLines()):
        lines = Lines()
        try:
            for chunk in chunks:
                for line in lines.feed(chunk):
                    list(format.feed(line))
            list(format.end())
        except Trouble as trouble:
            kinds.add(trouble.kind)
    assert kinds <= {"not JSON", "not UTF-8"}


@given(st.integers(300, 599), st.binary(max_size=60))
def test_any_answer_that_is_no_success_is_a_trouble(status: int, body: bytes) -> None:
    assert of_answer(status, {}, body, "/x") is not None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7), ("0.5", 0.5), ("99999", 600), ("soon", None), ("", None), ("-3", None),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Mon, 01 Jan 99999 00:00:00 GMT", None)],
)  # fmt: skip
def test_retry_after_is_read_as_seconds_or_a_date(
    value: str, seconds: float | None
) -> None:
    trouble = of_answer(429, {"retry-after": value}, b"", "/x")
    assert trouble is not None
    assert trouble.retry_after_s == seconds


def test_a_speed_is_known_once_enough_was_read_and_written() -> None:
    pace = Pace()
    pace.note_round_trip(0.02)
    pace.learn(Measured(n_read=10, read_ms=1, n_written=3, written_ms=1))
    assert pace.speed is None
    pace.learn(Measured(n_read=1000, read_ms=500, n_written=10, written_ms=100))
    assert pace.speed is not None
    assert pace.speed.prefill_tokens_per_s == 2000
    assert pace.speed.decode_tokens_per_s == 100
    assert pace.speed.latency_s == 0.02


def test_the_latency_is_that_of_the_fastest_answer_and_grows_slowly() -> None:
    pace = Pace()
    for seconds in (0.03, 0.01, 0.5):
        pace.note_round_trip(seconds)
    assert pace.latency_s == pytest.approx(0.0102)
