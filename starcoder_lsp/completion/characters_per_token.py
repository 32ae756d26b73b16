"""How many characters a token has, counted by the model's own tokenizer.

Prompts are measured out in characters, so that no keystroke waits for a tokenizer; the
engine cuts to exact tokens.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Hashable
from dataclasses import dataclass

from starcoder_lsp.completion.prompt import Window
from starcoder_lsp.engines import Engine
from starcoder_lsp.errors import EngineError
from starcoder_lsp.flow import Cursor
from starcoder_lsp.runtime.bounded_dict import Newest

# A shorter text says little, more of one document says nothing new.
LEAST_CHARACTERS, MOST_CHARACTERS = 400, 8000
# Rounded down, so that the next document moves no window by a few characters.
STEP = 0.25
MAX_KINDS, MAX_DOCUMENTS = 32, 256

Kind = tuple[Hashable, str]


@dataclass(frozen=True)
class Counted:
    n_characters: int = 0
    n_tokens: int = 0


class Densities:
    """Of each model and language; every document is counted once."""

    def __init__(self) -> None:
        self._counted: Newest[Kind, Counted] = Newest(MAX_KINDS)
        self._seen: Newest[tuple[Kind, str], None] = Newest(MAX_DOCUMENTS)
        self._begun: Newest[tuple[Kind, str], float] = Newest(MAX_DOCUMENTS)
        self._counting: set[asyncio.Task[None]] = set()

    def of(self, model: Hashable, language: str, uri: str) -> float:
        """Characters per token; a careful guess before any were counted.

        A document keeps what it began with: with another window all of its prompt would
        be read again.
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

    def learn(self, engine: Engine, model: Hashable, cursor: Cursor) -> None:
        """Have what stands before the cursor counted, if that is new; nobody waits."""
        kind = model, cursor.document.language
        document = kind, cursor.document.uri
        text = cursor.prefix[-MOST_CHARACTERS:]
        if len(text) >= LEAST_CHARACTERS and document not in self._seen:
            self._seen[document] = None
            task = asyncio.create_task(self._count(engine, kind, text))
            self._counting.add(task)
            task.add_done_callback(self._counting.discard)

    async def _count(self, engine: Engine, kind: Kind, text: str) -> None:
        with contextlib.suppress(EngineError):
            (n_tokens,) = await engine.count_tokens([text])
            so_far = self._counted.get(kind) or Counted()
            self._counted[kind] = Counted(
                so_far.n_characters + len(text), so_far.n_tokens + n_tokens
            )
