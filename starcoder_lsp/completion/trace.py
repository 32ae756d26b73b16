"""Why a suggestion is what it is, or why there is none: filled in as it is made."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from starcoder_lsp.completion.postprocess import Effect
from starcoder_lsp.completion.prompt import Window
from starcoder_lsp.flow import Candidate, Cell, Snippet, Usage

WHAT_THE_MODEL_DID = (
    "inserted_by_editor", "snippets", "usage", "raw", "effects", "candidates"
)  # fmt: skip


@dataclass
class Trace:
    """What one request went through, in the order of the fields."""

    language: str = ""
    is_explicit: bool = False
    decision: str = "asked the model"
    delay_s: float = 0.0
    inserted_by_editor: str = ""
    snippets: tuple[Snippet, ...] = ()
    cells: tuple[Cell, ...] = ()
    usage: Usage = field(default_factory=Usage)
    raw: str = ""
    effects: tuple[Effect, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    shown: Sequence[str] = field(default_factory=tuple)

    @property
    def is_made(self) -> bool:
        """Whether it tells what the model did, now or earlier."""
        return self.usage.finish_reason is not None

    def recall(self, made: Trace | None) -> None:
        """Tell what the request went through that has found the answer."""
        self.decision = "known already"
        self.delay_s = 0.0
        if made is not None:
            self.decision += ", from the request that the following tells about"
            for name in WHAT_THE_MODEL_DID:
                setattr(self, name, getattr(made, name))

    def __str__(self) -> str:
        """For people; holds source text, so it is for the user's eyes only."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        how = "asked for" if self.is_explicit else "while typing"
        yield f"request: {how}, {self.language or 'no language'}"
        yield f"decision: {self.decision}"
        if self.delay_s:
            yield f"waited for typing to rest: {self.delay_s * 1000:.0f} ms"
        if self.inserted_by_editor:
            yield f"left out of the prompt: {self.inserted_by_editor!r}, from the editor"
        yield from self._context()
        yield from self._model()
        for effect in self.effects:
            what = repr(effect.after) if effect.after else "nothing"
            yield f"rule {effect.rule}: {effect.before!r} became {what}"
        for candidate in self.candidates:
            yield f"candidate, {candidate.log_probability:.1f}: {candidate.text!r}"
        for text in filter(None, self.shown):
            yield f"suggested: {text!r}"
        if not any(self.shown):
            yield "suggested: nothing"

    def _context(self) -> Iterator[str]:
        if self.cells:
            n_above = sum(cell.is_above for cell in self.cells)
            n_below = len(self.cells) - n_above
            yield f"context: cells of this notebook, {n_above} above, {n_below} below"
        for snippet in self.snippets:
            place = f"{snippet.path}:{snippet.first_line + 1}-{snippet.last_line + 1}"
            n_characters = len(snippet.path) + len(snippet.text)
            n_tokens = math.ceil(n_characters / Window.CHARACTERS_PER_TOKEN)
            why = f", {snippet.why}" if snippet.why else ""
            yield (
                f"context: {place}, {snippet.source} {snippet.score:.2f}, "
                f"about {n_tokens} tokens{why}"
            )

    def _model(self) -> Iterator[str]:
        usage = self.usage
        if not self.is_made:
            return
        n_cached = usage.prompt_tokens - usage.evaluated_tokens
        yield (
            f"prompt: {usage.prompt_tokens} tokens, {n_cached} of them cached, "
            f"{usage.evaluated_tokens} evaluated; first token after "
            f"{usage.first_token_ms:.0f} ms"
        )
        yield (
            f"generated: {usage.generated_tokens} tokens in {usage.total_ms:.1f} ms, "
            f"ended by {usage.finish_reason}; a token is {usage.confidence:.0%} likely"
        )
        yield f"raw text: {self.raw!r}"
