"""Measures the characters per token of each model and language.

Windows and budgets count characters, so that no keystroke waits for the tokenizer. The
engine then cuts the prompt to exact tokens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Hashable
from dataclasses import dataclass

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Window
from starcoder_lsp.engines import Engine
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import Cursor
from starcoder_lsp.runtime.bounded_dict import BoundedDict

# A shorter text is a poor sample; of a longer one the last part is enough.
LEAST_CHARACTERS, MOST_CHARACTERS = 400, 8000
# The ratio is rounded down to steps, so that windows seldom change size.
STEP = 0.25
MAX_KINDS, MAX_DOCUMENTS = 32, 256

# A model and a language.
Kind = tuple[Hashable, str]


@dataclass(frozen=True)
class Counted:
    n_characters: int = 0
    n_tokens: int = 0


class CharactersPerToken:
    """The ratio of each model and language; each document is counted once.

    `model` is any key of a loaded model, such as its engine settings.
    """

    def __init__(self) -> None:
        self._counted: BoundedDict[Kind, Counted] = BoundedDict(MAX_KINDS)
        self._seen: BoundedDict[tuple[Kind, str], None] = BoundedDict(MAX_DOCUMENTS)
        self._begun: BoundedDict[tuple[Kind, str], float] = BoundedDict(MAX_DOCUMENTS)
        self._counting: set[asyncio.Task[None]] = set()

    def of(self, model: Hashable, language: str, uri: str) -> float:
        """Return the characters per token for a document.

        It is `Window.CHARACTERS_PER_TOKEN` until a text was counted. A document keeps its
        first ratio, because another window would invalidate the KV cache.
        """
        document = (model, language), uri
        if (begun := self._begun.get(document)) is None:
            begun = self._begun[document] = self._now(document[0])
        return begun

    def _now(self, kind: Kind) -> float:
        counted = self._counted.get(kind)
        if counted is None:
            return Window.CHARACTERS_PER_TOKEN
        exact = counted.n_characters / max(counted.n_tokens, 1)
        return max(exact // STEP * STEP, 1.0)

    def learn(self, completer: Completer, model: Hashable, cursor: Cursor) -> None:
        """Count the prefix of a new document, in a task of its own."""
        kind = model, cursor.document.language
        document = kind, cursor.document.uri
        # The engine may be a server, which reads no secrets here either.
        text = completer.text_before(cursor, MOST_CHARACTERS)
        if len(text) >= LEAST_CHARACTERS and document not in self._seen:
            self._seen[document] = None
            task = asyncio.create_task(self._count(completer.engine, kind, text))
            self._counting.add(task)
            task.add_done_callback(self._counting.discard)

    async def _count(self, engine: Engine, kind: Kind, text: str) -> None:
        with contextlib.suppress(EngineError):
            (n_tokens,) = await engine.count_tokens([text])
            so_far = self._counted.get(kind) or Counted()
            self._counted[kind] = Counted(
                so_far.n_characters + len(text), so_far.n_tokens + n_tokens
            )
