"""Makes a completion, from the cursor to the text to insert."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from starcoder_lsp.completion.postprocess import Result, process, rank, take
from starcoder_lsp.completion.postprocess.place import Place
from starcoder_lsp.completion.prompt import (
    NO_MARKS,
    Family,
    Hidden,
    Window,
    build_prompt,
)
from starcoder_lsp.completion.prompt.family import with_marks
from starcoder_lsp.completion.ranking import by_what_follows
from starcoder_lsp.completion.trace import Trace
from starcoder_lsp.context import Context, Gathered, NoContext
from starcoder_lsp.engines import Engine
from starcoder_lsp.flow import (
    USUAL_STYLE,
    Completion,
    Cursor,
    FinishReason,
    Judgement,
    Limits,
    Prompt,
    Score,
    Style,
    Usage,
)

# After these the last line may be incomplete.
UNFINISHED = frozenset(("length", "time"))
# How many characters after the cursor may decide which alternative fits best.
FOLLOWING_CHARACTERS = 512
# An alternative may have LONGER times the tokens of the first completion, and some more.
LONGER = 2
MORE_TOKENS = 8


def _ignore(_text: str) -> None: ...


@dataclass(frozen=True)
class Completer:
    """An engine with everything that a completion needs; `settings.assemble` builds it.

    `read_as` of a method is the cursor as the model reads it, by default `cursor`.
    """

    engine: Engine
    family: Family
    window: Window
    limits: Limits
    layout: str = "auto"
    style: Style = USUAL_STYLE
    context: Context = field(default_factory=NoContext)
    hides_secrets: bool = True

    async def complete(
        self,
        cursor: Cursor,
        on_text: Callable[[str], None] = _ignore,
        *,
        read_as: Cursor | None = None,
        trace: Trace | None = None,
    ) -> Completion:
        """Return the completion at `cursor`; its text may be empty.

        `on_text` is called with the text so far after each piece. Raises EngineError.
        Cancelling the task stops the model.
        """
        trace = trace or Trace()
        prompt = await self._prompt(read_as or cursor, trace)
        place = self._place(cursor, read_as)
        return await self._complete(prompt, place, on_text, trace)

    async def _complete(
        self,
        prompt: Prompt,
        place: Place,
        on_text: Callable[[str], None],
        trace: Trace,
    ) -> Completion:
        raw, usage = await self._generate(prompt, place, on_text)
        result = _processed(raw, usage.finish_reason, place)
        trace.raw, trace.usage, trace.effects = raw, usage, result.effects
        return Completion(result.text, usage, result.n_replaced)

    async def alternatives(
        self,
        cursor: Cursor,
        n_wanted: int,
        *,
        read_as: Cursor | None = None,
        trace: Trace | None = None,
    ) -> list[Completion]:
        """Return up to `n_wanted` different completions, the best first.

        The first is the one that `complete` returns, but if the model does not read the
        suffix, they are ranked by how well they fit before it. Raises EngineError.
        """
        trace = trace or Trace()
        prompt = await self._prompt(read_as or cursor, trace)
        place = self._place(cursor, read_as)
        first = await self._complete(prompt, place, _ignore, trace)
        found = {first.text.strip(): first}
        if n_wanted > 1:
            n_enough = first.usage.generated_tokens * LONGER + MORE_TOKENS
            limits = replace(
                self.limits,
                max_tokens=min(self.limits.max_tokens, n_enough),
                one_line=self.style.multiline == "never",
            )
            candidates = await self.engine.candidates(prompt, limits, n_wanted + 1)
            trace.candidates = tuple(candidates)
            texts = [take(one.text, place).text for one in candidates]
            judged = await self.context.judge(cursor, texts)
            for i in rank(judged or [Judgement()] * len(candidates)):
                finish_reason = candidates[i].finish_reason
                result = _processed(candidates[i].text, finish_reason, place)
                usage = replace(first.usage, finish_reason=finish_reason)
                completion = Completion(result.text, usage, result.n_replaced)
                found.setdefault(result.text.strip(), completion)
        different = [one for text, one in found.items() if text]
        if self.family.layout_for(self.layout) == "plain" and len(different) > 1:
            different = await by_what_follows(
                self.engine, prompt, self._following(cursor), different, self.limits
            )
        return different[:n_wanted]

    async def score(self, cursor: Cursor, text: str) -> Score:
        """Return how likely the model finds `text` at `cursor`.

        Raises EngineError, and EngineUnsupported where probabilities cannot be had.
        """
        prompt = await self._prompt(cursor, Trace())
        (score,) = await self.engine.score(prompt, [text], self.limits)
        return score

    async def warm_up(self, cursor: Cursor) -> Usage:
        """Prefill the prompt of a completion at `cursor`. Raises EngineError."""
        prompt = await self._prompt(cursor, Trace())
        usage = Usage()
        limits = replace(self.limits, max_tokens=0, yields=True)
        async with aclosing(self.engine.generate(prompt, limits)) as pieces:
            async for piece in pieces:
                usage = piece.usage
        return usage

    async def _prompt(self, cursor: Cursor, trace: Trace) -> Prompt:
        gathered = Gathered()
        if self.family.repository or self.family.notebook:
            shown = self.window.shown(cursor)
            budget = self.window.for_context
            gathered = await self.context.gather(cursor, budget, shown)
        trace.snippets, trace.cells = gathered.snippets, gathered.cells
        texts = [one.text for one in gathered.snippets]
        texts += [one.text for one in gathered.cells]
        window = self.window.beside(sum(map(len, texts)))
        reach = window.reach(cursor)
        return build_prompt(
            cursor,
            self.family,
            window,
            layout=self.layout,
            snippets=gathered.snippets,
            repository=gathered.repository,
            path=gathered.path,
            cells=gathered.cells,
            hidden=self._hidden(cursor, reach.start_beyond, reach.end_beyond),
            wants_line=self.style.multiline == "never",
        )

    def _hidden(self, cursor: Cursor, start: int, end: int) -> Sequence[Hidden]:
        """Return the secrets of the document between two offsets."""
        if not self.hides_secrets:
            return ()
        # Imported late: its patterns take longer to compile than a server to start.
        from starcoder_lsp.context.secrets.around_cursor import secrets_around

        return secrets_around(cursor, start, end)

    def text_before(self, cursor: Cursor, n_characters: int) -> str:
        """Return the text before the cursor, without its secrets."""
        start = max(cursor.offset - n_characters, 0)
        hidden = self._hidden(cursor, start, cursor.offset)
        return with_marks(cursor.document.text, start, cursor.offset, hidden, NO_MARKS)

    def _following(self, cursor: Cursor) -> str:
        """Return the text after the cursor up to the first secret."""
        end = cursor.offset + FOLLOWING_CHARACTERS
        starts = [start for start, _, _ in self._hidden(cursor, cursor.offset, end)]
        return cursor.document.text[cursor.offset : min([end, *starts])]

    async def _generate(
        self, prompt: Prompt, place: Place, on_text: Callable[[str], None]
    ) -> tuple[str, Usage]:
        """Return the text that the engine streams until a rule stops it, and its cost."""
        text, usage = "", Usage()
        async with aclosing(self.engine.generate(prompt, self.limits)) as pieces:
            async for piece in pieces:
                text, usage = text + piece.text, piece.usage
                taken = take(text, place)
                on_text(taken.text)
                if taken.is_final:
                    return text, replace(usage, finish_reason="rule")
        return text, usage

    def _place(self, cursor: Cursor, read_as: Cursor | None) -> Place:
        """Return the place at `cursor`, with the closers that the model does not read."""
        n_inserted = len(cursor.suffix) - len(read_as.suffix) if read_as else 0
        return Place(cursor, self.style, n_inserted=n_inserted)


def _processed(raw: str, reason: FinishReason | None, place: Place) -> Result:
    # A place caches what it computes, so a new one is made only where needed.
    if reason in UNFINISHED:
        place = replace(place, is_cut_off=True)
    return process(raw, place)
