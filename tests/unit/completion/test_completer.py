"""Completions from the cursor to the text, with a scripted engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window, build_prompt, families
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.context import Gathered, NoContext
from starcoder_lsp.context.syntax.judge import judge
from starcoder_lsp.engines import AMPLE
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.flow import (
    Candidate,
    Cell,
    Control,
    Cursor,
    FinishReason,
    Judgement,
    Limits,
    Prompt,
    Score,
    Snippet,
    Style,
    Text,
)


def completer(engine: ScriptedEngine, multiline: str = "auto") -> Completer:
    family = families()["starcoder2"]
    return Completer(
        engine, family, Window(1000, 1000), Limits(), style=Style(multiline)
    )


async def completed(place: str, *pieces: str, multiline: str = "auto") -> str:
    engine = ScriptedEngine(pieces)
    done = await completer(engine, multiline).complete(Cursor.marked(place))
    return done.text


async def test_a_line_ends_the_suggestion() -> None:
    assert await completed("x = █\n", "1", "\n", "y = 2") == "1"


async def test_a_block_is_filled_to_its_end() -> None:
    pieces = ["\n    a = 1\n", "    return", " a\n", "\ndef g():"]
    assert await completed("def f():█\n", *pieces) == "\n    a = 1\n    return a"


async def test_never_means_one_line() -> None:
    text = await completed("def f():█\n", " pass", "\n    x", multiline="never")
    assert text == " pass"


async def test_the_model_is_stopped_as_soon_as_the_suggestion_is_complete() -> None:
    engine = ScriptedEngine(["1", "\n", "never", "asked", "for"])
    done = await completer(engine).complete(Cursor.marked("x = █\n"))
    assert engine.n_closed == 1
    assert done.usage.generated_tokens == 2
    assert done.usage.finish_reason == "rule"


async def test_cancelling_the_task_stops_the_model() -> None:
    engine = ScriptedEngine(["1"])
    engine.gate = asyncio.Event()
    task = asyncio.create_task(completer(engine).complete(Cursor.marked("x = █")))
    while not engine.prompts:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.n_closed == 1


@pytest.mark.parametrize("pieces", [[], [""], ["\n"], ["  \n  "], ["<|endoftext|>x"]])
async def test_worthless_text_becomes_an_empty_completion(
    pieces: Sequence[str],
) -> None:
    assert await completed("x = 1█\n", *pieces) == ""


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("length", "\n    a = 1"),
        ("time", "\n    a = 1"),
        ("stop", "\n    a = 1\n    retu"),
    ],
)
async def test_a_line_that_there_was_no_time_to_finish_is_not_shown(
    reason: FinishReason, shown: str
) -> None:
    engine = ScriptedEngine(["\n    a = 1\n", "    retu"])
    engine.finish_reason = reason
    done = await completer(engine).complete(Cursor.marked("def f():█"))
    assert done.text == shown
    parsing = replace(completer(engine), context=Parser())
    assert (await parsing.complete(Cursor.marked("def f():█"))).text == shown


async def test_what_a_suggestion_replaces_is_told() -> None:
    free = replace(
        completer(ScriptedEngine(["b) + 1", "\n"])), style=Style(can_replace=True)
    )
    done = await free.complete(Cursor.marked("f(█)\n"))
    assert (done.text, done.n_replaced) == ("b) + 1", 1)


class Shelf(NoContext):
    """A context with one answer, which keeps the questions."""

    def __init__(self, gathered: Gathered) -> None:
        self.gathered = gathered
        self.asked: list[tuple[Cursor, int, range]] = []

    async def gather(
        self, cursor: Cursor, budget_characters: int, shown: range
    ) -> Gathered:
        self.asked.append((cursor, budget_characters, shown))
        return self.gathered


ELSEWHERE = Gathered(
    snippets=(Snippet("lib/a.py", "a = 1\n" * 20),),
    path="src/n.ipynb",
    repository="me/project",
    cells=(Cell("y = 2\n" * 20, is_code=True, is_above=True),),
)


@pytest.mark.parametrize("layout", ["auto", "psm"])
async def test_the_prompt_holds_what_was_gathered_and_so_much_less_of_the_document(
    layout: str,
) -> None:
    engine, context, trace = ScriptedEngine(["1", "\n"]), Shelf(ELSEWHERE), Trace()
    cursor, window = Cursor.marked("x = 1\n" * 200 + "z = █ + 1\n"), Window(800, 200)
    reading = replace(completer(engine), window=window, context=context, layout=layout)
    await reading.complete(cursor, trace=trace)
    assert context.asked == [(cursor, window.for_context, window.shown(cursor))]
    texts = [snippet.text for snippet in ELSEWHERE.snippets]
    texts += [cell.text for cell in ELSEWHERE.cells]
    n_taken = sum(map(len, texts))
    assert engine.prompts == [
        build_prompt(
            cursor,
            families()["starcoder2"],
            window.beside(n_taken),
            layout=layout,
            snippets=ELSEWHERE.snippets,
            repository="me/project",
            path="src/n.ipynb",
            cells=ELSEWHERE.cells,
        )
    ]
    assert (trace.snippets, trace.cells) == (ELSEWHERE.snippets, ELSEWHERE.cells)


@pytest.mark.parametrize(
    ("family", "n_asked"), [("starcoder2", 1), ("smollm2", 1), ("plain", 0)]
)
async def test_context_is_gathered_for_families_that_read_it(
    family: str, n_asked: int
) -> None:
    context = Shelf(Gathered())
    engine = ScriptedEngine(["1", "\n"])
    reading = replace(completer(engine), family=families()[family], context=context)
    await reading.complete(Cursor.marked("x = █\n"))
    assert len(context.asked) == n_asked


async def test_a_warm_up_reads_the_prompt_writes_nothing_and_yields() -> None:
    engine, cursor = ScriptedEngine(["1", "\n"]), Cursor.marked("x = █\n")
    usage = await completer(engine).warm_up(cursor)
    assert (usage.generated_tokens, usage.finish_reason) == (0, "stop")
    await completer(engine).complete(cursor)
    assert engine.prompts[0] == engine.prompts[1]
    assert engine.limits[0] == replace(Limits(), max_tokens=0, yields=True)


async def test_the_text_so_far_is_reported_after_each_piece() -> None:
    seen: list[str] = []
    engine = ScriptedEngine(["a", "b", "\n", "c"])
    await completer(engine).complete(Cursor.marked("█"), seen.append)
    assert seen == ["a", "ab", "ab"]


async def test_an_empty_document_is_completed_too() -> None:
    assert await completed("█", "import os\n") == "import os"


async def test_a_model_that_never_ends_is_stopped() -> None:
    engine = ScriptedEngine(["and so on "] * 10_000)
    done = await completer(engine).complete(Cursor.marked("x = █\n"))
    assert done.text == ""
    assert done.usage.generated_tokens == 4


@pytest.mark.parametrize("piece", [" ", "\n", "\t", "    \n"])
@pytest.mark.parametrize("place", ["x = █\n", "█\n", "def f():█\n", "    █\n"])
async def test_a_model_that_writes_only_space_is_stopped(
    place: str, piece: str
) -> None:
    engine = ScriptedEngine([piece] * 10_000)
    endless = replace(completer(engine), limits=Limits(max_tokens=10_000))
    done = await endless.complete(Cursor.marked(place))
    assert done.text == ""
    assert done.usage.generated_tokens <= 200


async def test_an_answer_of_a_megabyte_is_cut_to_what_can_be_read() -> None:
    style = Style("always")
    engine = ScriptedEngine([f"x{i} = {i * 7}\n" for i in range(100_000)])
    limits = Limits(max_tokens=1_000_000)
    long = replace(completer(engine), limits=limits, style=style)
    done = await long.complete(Cursor.marked("█"))
    assert done.text.count("\n") == 199
    assert done.usage.generated_tokens == 200


async def test_the_rest_of_the_line_is_not_repeated() -> None:
    assert await completed("def f():\n    █\n    return x\n", "return x\n") == ""
    assert await completed("print(█name)\n", "name)", "\n") == ""


async def test_control_tokens_and_hidden_characters_are_not_shown() -> None:
    assert await completed("x = █\n", "1", "<file_sep>", "evil") == "1"
    assert await completed("x = █\n", "'\u202e", "'", "\n") == ""


@pytest.mark.parametrize(
    ("place", "pieces", "shown"),
    [
        ("x = [\n█", ["    total += 1\n"] * 1000, "    total += 1\n    total += 1"),
        ("█\nbelow = 1\n", ["below = 1", "\n"] * 1000, ""),
        ("x = █", [" "] * 1000, ""),
    ],
)
async def test_a_model_that_never_ends_is_cut_short(
    place: str, pieces: list[str], shown: str
) -> None:
    assert await completed(place, *pieces) == shown


class Parser(NoContext):
    """A context that parses with the real grammars in this process."""

    async def judge(self, cursor: Cursor, texts: Sequence[str]) -> list[Judgement]:
        document = cursor.document
        return judge(document.language, document.text, cursor.offset, texts)


class Searching(ScriptedEngine):
    """Keeps how many candidates and which scores were wanted."""

    def __init__(self, pieces: Sequence[str], *alternatives: str) -> None:
        super().__init__(pieces)
        self.alternatives = alternatives
        self.n_wanted: list[int] = []
        self.scored: list[tuple[Prompt, Limits]] = []

    async def candidates(
        self, prompt: Prompt, limits: Limits, n_wanted: int
    ) -> list[Candidate]:
        self.n_wanted.append(n_wanted)
        return await super().candidates(prompt, limits, n_wanted)

    async def score(
        self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
    ) -> list[Score]:
        self.scored.append((prompt, limits))
        return await super().score(prompt, texts, limits)


async def test_alternatives_are_searched_for_where_the_first_one_was_written() -> None:
    engine, trace = Searching(["a", "\n"], "b\n", "c\n"), Trace()
    cursor = Cursor.marked("x = █\ny = 2\n")
    found = await completer(engine).alternatives(cursor, 2, trace=trace)
    assert [one.text for one in found] == ["a", "b"]
    # One more than wanted: the first of them is what was written already.
    assert engine.n_wanted == [3]
    assert engine.prompts[1] == engine.prompts[0]
    # Two tokens were enough for the first one; others may be longer.
    assert engine.limits[1] == replace(Limits(), max_tokens=2 * 2 + 8)
    assert [one.text for one in trace.candidates] == ["a\n", "b\n", "c\n"]
    assert found[1].usage.finish_reason == "stop"


async def test_alternatives_may_not_be_longer_than_the_limit() -> None:
    engine = Searching(["a", "\n"], "b\n")
    short = replace(completer(engine), limits=Limits(max_tokens=5))
    await short.alternatives(Cursor.marked("x = █\n"), 2)
    assert engine.limits[1].max_tokens == 5


async def test_a_lone_suggestion_is_searched_for_no_further() -> None:
    engine = Searching(["a", "\n"], "b\n")
    (found,) = await completer(engine).alternatives(Cursor.marked("x = █\n"), 1)
    assert found.text == "a"
    assert engine.n_wanted == []


async def test_alternatives_keep_to_the_style_and_to_their_place() -> None:
    engine = Searching([" pass", "\n"], " a\n    b\n", "(x)\n")
    cursor = Cursor.marked("def f():█\n")
    found = await completer(engine, "never").alternatives(cursor, 2)
    assert [one.text for one in found] == [" pass", " a"]
    assert engine.limits[1].one_line
    replacing = Searching(["a", "\n"], "b) + 1\n")
    free = replace(completer(replacing), style=Style(can_replace=True))
    found = await free.alternatives(Cursor.marked("f(█)\n"), 2)
    assert [(one.text, one.n_replaced) for one in found] == [("a", 0), ("b) + 1", 1)]


@pytest.mark.parametrize(
    ("layout", "n_wanted", "texts", "n_scored"),
    [
        ("plain", 2, ["b", "longer"], 1),
        ("plain", 1, ["longer"], 0),
        ("auto", 2, ["longer", "b"], 0),
    ],
)
async def test_what_did_not_read_what_follows_is_ranked_by_it(
    layout: str, n_wanted: int, texts: list[str], n_scored: int
) -> None:
    """The scripted engine finds the shortest text the likeliest."""
    engine = Searching(["longer", "\n"], "b\n")
    blind = replace(completer(engine), layout=layout)
    found = await blind.alternatives(Cursor.marked("x = █\ny = 2\n"), n_wanted)
    assert [one.text for one in found] == texts
    assert engine.scored == [(engine.prompts[0], Limits())] * n_scored


async def test_alternatives_that_break_the_code_come_last() -> None:
    engine = ScriptedEngine(["a", "\n"])
    engine.alternatives = ["b = = 1", "c + 1"]
    parsing = replace(completer(engine), context=Parser())
    found = await parsing.alternatives(Cursor.marked("x = █\ny = 2\n"), 3)
    assert [one.text for one in found] == ["a", "c + 1", "b = = 1"]


PASSWORD = 'password = "hunter2!"\n'


async def test_a_password_above_the_cursor_is_a_mark_in_the_prompt() -> None:
    engine = ScriptedEngine(["1"])
    await completer(engine).complete(Cursor.marked(f"{PASSWORD}x = █\n{PASSWORD}"))
    (prompt,) = engine.prompts
    assert "hunter2!" not in str(prompt)
    marks = [one for one in prompt.segments if isinstance(one, Control)]
    cuts = [one.cut for one in marks if one.token == "<PASSWORD>"]
    assert cuts == ["end", "start"]


async def test_a_password_is_read_if_the_user_allows_it() -> None:
    engine = ScriptedEngine(["1"])
    open_one = replace(completer(engine), hides_secrets=False)
    await open_one.complete(Cursor.marked(f"{PASSWORD}x = █\n"))
    (prompt,) = engine.prompts
    assert "hunter2!" in str(prompt)


KEY_LINE = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3"
KEY = f"-----BEGIN PRIVATE KEY-----\n{KEY_LINE}\n" + f"{KEY_LINE}\n" * 40
CODE = "".join(f"value_{n} = {n}\n" for n in range(60))


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(f"{KEY}█\n", id="begins above the window"),
        pytest.param(f"{KEY[:60]}█\n{KEY[60:]}", id="around the cursor"),
        pytest.param(f"{KEY}-----END PRIVATE KEY-----\n{CODE}x = █", id="above all that is shown"),
        pytest.param(f"x = █\n{CODE}{KEY}", id="below all that is shown"),
        pytest.param(f"x = █\n{CODE}key = '{KEY_LINE}'\n".replace("key", "api_key"), id="beyond"),
        pytest.param(f'api_key = "{KEY_LINE}█', id="before the cursor"),
        pytest.param(f'api_key = "█{KEY_LINE}"', id="behind the cursor"),
        pytest.param(f'api_key = "{KEY_LINE[:20]}█{KEY_LINE[20:]}"', id="on both sides"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("family", ["starcoder2", "plain", "qwen2.5-coder"])
async def test_no_part_of_a_secret_is_in_any_part_of_a_prompt(
    picture: str, family: str
) -> None:
    engine = ScriptedEngine(["1"])
    small = replace(
        completer(engine), family=families()[family], window=Window(200, 99)
    )
    await small.complete(Cursor.marked(picture))
    (prompt,) = engine.prompts
    for part in (KEY_LINE[:20], KEY_LINE[20:]):
        assert part not in str(prompt)


async def test_what_is_typed_of_a_password_is_not_even_held_back() -> None:
    engine = ScriptedEngine(["1"])
    healing = replace(completer(engine), family=families()["plain"])
    await healing.complete(Cursor.marked('x = 1\npassword = "hunt█'))
    (prompt,) = engine.prompts
    assert prompt.held_back == ""
    assert prompt.segments[-1] == Text("<PASSWORD>", "start")


async def test_a_secret_behind_the_cursor_does_not_rank_alternatives() -> None:
    scored: list[str] = []

    class Scoring(ScriptedEngine):
        async def score(
            self, prompt: Prompt, texts: Sequence[str], limits: Limits = AMPLE
        ) -> list[Score]:
            scored.extend(texts)
            return await super().score(prompt, texts, limits)

    engine = Scoring(["a", "\n"])
    engine.alternatives = ["b"]
    plain = replace(completer(engine), family=families()["plain"])
    await plain.alternatives(Cursor.marked(f"x = █)\n{PASSWORD}y = 1\n"), 2)
    assert scored == ['a)\npassword = "', 'b)\npassword = "']
