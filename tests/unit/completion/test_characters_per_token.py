"""Characters per token: counted by the tokenizer, used for the size of prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from starcoder_lsp.completion.characters_per_token import CharactersPerToken
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window, families
from starcoder_lsp.engines import EngineState, Phase
from starcoder_lsp.engines.scripted import ScriptedEngine
from starcoder_lsp.errors import EngineCrashed
from starcoder_lsp.flow import Cursor, Document, Limits
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.resolve import Layer, resolve

CAREFUL = Window.CHARACTERS_PER_TOKEN
# The scripted engine counts words: seven characters with the space after each.
WORDS = "naming " * 200


def completer_of(engine: ScriptedEngine) -> Completer:
    return Completer(engine, families()["plain"], Window(100, 100), Limits())


def at_end(text: str, uri: str = "a", language: str = "python") -> Cursor:
    return Cursor(Document(text, uri, language), len(text))


async def counted(engine: ScriptedEngine, *cursors: Cursor) -> CharactersPerToken:
    densities = CharactersPerToken()
    for cursor in cursors:
        densities.learn(completer_of(engine), "model", cursor)
        for _ in range(5):
            await asyncio.sleep(0)
    return densities


async def test_a_language_is_counted_by_the_model_that_reads_it() -> None:
    densities = await counted(ScriptedEngine([]), at_end(WORDS))
    assert densities.of("model", "python", "new") == 7
    assert densities.of("model", "go", "new") == CAREFUL
    assert densities.of("another", "python", "new") == CAREFUL


async def test_a_document_keeps_its_first_ratio() -> None:
    densities = CharactersPerToken()
    assert densities.of("model", "python", "a") == CAREFUL
    densities.learn(completer_of(ScriptedEngine([])), "model", at_end(WORDS))
    for _ in range(5):
        await asyncio.sleep(0)
    assert densities.of("model", "python", "a") == CAREFUL
    assert densities.of("model", "python", "b") == 7


async def test_a_ratio_is_of_all_documents_and_rounded_down() -> None:
    both = at_end(WORDS), at_end("no " * 200, uri="b")
    densities = await counted(ScriptedEngine([]), *both)
    assert densities.of("model", "python", "new") == 5
    densities = await counted(ScriptedEngine([]), at_end("name " * 300 + WORDS))
    assert densities.of("model", "python", "new") == 5.75


class Counting(ScriptedEngine):
    n_counted = 0

    async def count_tokens(self, texts: object) -> list[int]:
        self.n_counted += 1
        raise EngineCrashed("gone")


async def test_a_document_is_counted_once_and_a_crash_costs_nothing() -> None:
    engine = Counting([])
    densities = await counted(engine, at_end(WORDS), at_end(WORDS + "more"))
    assert engine.n_counted == 1
    assert densities.of("model", "python", "new") == CAREFUL


async def test_a_short_text_is_not_counted() -> None:
    densities = await counted(ScriptedEngine([]), at_end("x = 1"))
    assert densities.of("model", "python", "new") == CAREFUL


@pytest.mark.parametrize(
    ("n_readable", "density", "n_characters"),
    [(0, 3.0, 3000), (0, 2.5, 2500), (400, 3.0, 1200), (2000, 3.0, 3000)],
)
async def test_a_prompt_has_as_many_tokens_as_the_engine_can_read(
    n_readable: int, density: float, n_characters: int
) -> None:
    engine = ScriptedEngine([])
    engine.state = EngineState(Phase.READY, n_prompt_tokens=n_readable)
    settings = resolve([Layer("test", {"max_prompt_tokens": 1000})]).settings
    window = assemble.build_completer(
        settings, engine, characters_per_token=density
    ).window
    assert window.prefix + window.suffix == n_characters
    assert window.for_context == int(n_characters * Window.CONTEXT_SHARE)


async def test_no_secret_is_counted() -> None:
    asked: list[str] = []

    class Asked(ScriptedEngine):
        async def count_tokens(self, texts: Sequence[str]) -> list[int]:
            asked.extend(texts)
            return [1]

    password = "".join(("hun", "ter2-", "Xk9!q"))
    await counted(Asked([]), at_end(f'{WORDS}\npassword = "{password}"\n'))
    assert "password" in asked[0]
    assert password not in asked[0]
