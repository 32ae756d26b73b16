"""The whole of a completion, top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from starcoder_lsp.engines import Engine
from starcoder_lsp.flow import Completion, Cursor, Limits, Prompt, Usage
from starcoder_lsp.postprocess import postprocess, scope
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
    multiline: str = "auto"

    async def complete(
        self, cursor: Cursor, on_text: Callable[[str], None] = _nothing_to_tell
    ) -> Completion:
        """What to insert at `cursor`, perhaps nothing; `on_text` hears it grow.

        Raises EngineError. Cancelling the task stops the model.
        """
        prompt = build_prompt(cursor, self.family, self.window, layout=self.layout)
        raw, usage = await self._take_block(prompt, cursor, on_text)
        return Completion(postprocess(raw, cursor), usage)

    async def _take_block(
        self, prompt: Prompt, cursor: Cursor, on_text: Callable[[str], None]
    ) -> tuple[str, Usage]:
        """Generated text up to the end of its line or block, and what it cost."""
        text, usage = "", Usage()
        async with aclosing(self.engine.generate(prompt, self.limits)) as pieces:
            async for piece in pieces:
                text, usage = text + piece.text, piece.usage
                taken = scope.cut(text, cursor, self.multiline)
                on_text(taken.text)
                if taken.is_final:
                    return taken.text, replace(usage, finish_reason="rule")
        taken = scope.cut(text, cursor, self.multiline)
        is_cut_off = usage.finish_reason in UNFINISHED and not text.endswith("\n")
        if is_cut_off and "\n" in taken.text.lstrip("\n"):
            return taken.text.rpartition("\n")[0], usage
        return taken.text, usage
