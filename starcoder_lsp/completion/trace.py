"""Records how a suggestion was made, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from starcoder_lsp.completion.postprocess import Effect
from starcoder_lsp.completion.prompt import Window
from starcoder_lsp.flow import Candidate, Cell, Snippet, Usage

MADE_BY_THE_MODEL = (
    "inserted_by_editor", "snippets", "usage", "raw", "effects", "candidates"
)  # fmt: skip


@dataclass
class Trace:
    """The steps of one request, in the order of the fields."""

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
        """True if it holds a generation, of this request or an earlier one."""
        return self.usage.finish_reason is not None

    def recall(self, made: Trace | None) -> None:
        """Take over the trace `made` of the request that generated the known answer."""
        self.decision = "known already"
        self.delay_s = 0.0
        if made is not None:
            self.decision += ", from an earlier request as follows"
            for name in MADE_BY_THE_MODEL:
                setattr(self, name, getattr(made, name))

    def __str__(self) -> str:
        """Format the trace for the user; it contains source text, so never log it."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        how = "asked for" if self.is_explicit else "while typing"
        yield f"request: {how}, {self.language or 'no language'}"
        yield f"decision: {self.decision}"
        if self.delay_s:
            yield f"waited for typing to pause: {self.delay_s * 1000:.0f} ms"
        if self.inserted_by_editor:
            yield f"not in the prompt: {self.inserted_by_editor!r}, from the editor"
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
        # A server does not tell.
        is_told = usage.log_probability != 0
        likely = f"; a token is {usage.confidence:.0%} likely" if is_told else ""
        yield (
            f"generated: {usage.generated_tokens} tokens in {usage.total_ms:.1f} ms, "
            f"ended by {usage.finish_reason}{likely}"
        )
        yield f"raw text: {self.raw!r}"
