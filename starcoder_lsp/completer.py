"""The whole of a completion, top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from starcoder_lsp.engines import Engine
from starcoder_lsp.flow import (
    USUAL_STYLE,
    Completion,
    Cursor,
    Limits,
    Prompt,
    Style,
    Usage,
)
from starcoder_lsp.postprocess import process, take
from starcoder_lsp.postprocess.place import Place
from starcoder_lsp.prompt import Family, Window, build_prompt

# Endings in the middle of a thought: an unfinished last line is not shown.
UNFINISHED = frozenset(("length", "time"))


def _nothing_to_tell(_text: str) -> None: ...


@dataclass(frozen=True)
class Completer:
    """Everything one completion needs, put together once by `assemble`."""

    engine: Engine
    family: Family
    window: Window
    limits: Limits
    layout: str = "auto"
    style: Style = USUAL_STYLE

    async def complete(
        self, cursor: Cursor, on_text: Callable[[str], None] = _nothing_to_tell
    ) -> Completion:
        """What to insert at `cursor`, perhaps nothing; `on_text` hears it grow.

        Raises EngineError. Cancelling the task stops the model.
        """
        prompt = build_prompt(cursor, self.family, self.window, layout=self.layout)
        place = Place(cursor, self.style)
        raw, usage = await self._generate(prompt, place, on_text)
        is_cut_off = usage.finish_reason in UNFINISHED
        result = process(raw, replace(place, is_cut_off=is_cut_off))
        return Completion(result.text, usage, result.n_replaced)

    async def _generate(
        self, prompt: Prompt, place: Place, on_text: Callable[[str], None]
    ) -> tuple[str, Usage]:
        """What the model writes until nothing more can belong here, and its cost."""
        text, usage = "", Usage()
        async with aclosing(self.engine.generate(prompt, self.limits)) as pieces:
            async for piece in pieces:
                text, usage = text + piece.text, piece.usage
                taken = take(text, place)
                on_text(taken.text)
                if taken.is_final:
                    return text, replace(usage, finish_reason="rule")
        return text, usage
