"""Chooses lines for a budget: what the model does not see anyway is what counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from starcoder_lsp.context.pieces import Line, Piece
from starcoder_lsp.context.scene import IDENTIFIER
from starcoder_lsp.flow import Snippet

# So much of a budget is not worth looking for another line.
SPARE_CHARACTERS = 30
MAX_REASONS = 3


def pack(
    pieces: Iterable[Piece], known: Collection[str], budget_characters: int
) -> list[Snippet]:
    """Lines of `pieces` that show new names, the best pieces first; one snippet per file.

    The best one stands last, where a model heeds it most and a change costs least.

    `known` are the names that the prompt shows anyway. The budget counts what the
    snippets hold and the paths above them.
    """
    seen, used = set(known), 0
    files: dict[str, _File] = {}
    for piece in sorted(pieces, key=lambda piece: -piece.score):
        if used and used > budget_characters - SPARE_CHARACTERS:
            break
        file = files.get(piece.path) or _File(piece.path)
        for line in piece.lines:
            new = _news(line, seen)
            if line.number in file.lines or not (new or piece.is_whole):
                continue
            cost = len(line.text.rstrip()) + 1 + file.cost_of_path
            if used + cost <= budget_characters:
                used += cost
                seen.update(new)
                files[piece.path] = file
                file.take(line, piece)
    snippets = [file.snippet() for file in files.values()]
    return sorted(snippets, key=lambda each: each.score)


def _news(line: Line, seen: Collection[str]) -> list[str]:
    """The names in a line that were not seen yet; to be defined is news of its own."""
    names = IDENTIFIER.findall(line.text)
    if line.defines:
        names.append(f"{line.defines} is defined")
    return [name for name in names if name not in seen]


@dataclass
class _File:
    path: str
    lines: dict[int, str] = field(default_factory=dict)
    pieces: list[Piece] = field(default_factory=list)

    @property
    def cost_of_path(self) -> int:
        return 0 if self.lines else len(self.path) + 1

    def take(self, line: Line, piece: Piece) -> None:
        self.lines[line.number] = line.text.rstrip()
        if piece not in self.pieces:
            self.pieces.append(piece)

    def snippet(self) -> Snippet:
        numbers = sorted(self.lines)
        return Snippet(
            self.path,
            "\n".join(self.lines[number] for number in numbers),
            "+".join(_unique(piece.source for piece in self.pieces)),
            numbers[0],
            numbers[-1],
            max(piece.score for piece in self.pieces),
            "; ".join(_unique(piece.why for piece in self.pieces)[:MAX_REASONS]),
        )


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


@dataclass
class Slots:
    """Keeps snippets in their place between keystrokes.

    A model reads a prompt again from the first byte that changed.
    """

    kept: tuple[Snippet, ...] = ()

    # A newcomer so much better than the worst of those kept does not wait for a pause.
    CLEARLY = 1.5

    def settle(
        self, wanted: Sequence[Snippet], budget_characters: int, *, is_paused: bool
    ) -> tuple[Snippet, ...]:
        """After a pause what is wanted, else what was shown and what is clearly better."""
        if is_paused or not self.kept:
            known = {(each.path, each.text) for each in wanted}
            stays = [each for each in self.kept if (each.path, each.text) in known]
            self.kept = (*stays, *(each for each in wanted if each not in stays))
        else:
            self.kept = self._with_better(wanted, budget_characters)
        return self.kept

    def _with_better(
        self, wanted: Sequence[Snippet], budget_characters: int
    ) -> tuple[Snippet, ...]:
        bar = self.CLEARLY * min(each.score for each in self.kept)
        shown = {line for each in self.kept for line in _lines_of(each)}
        better = [
            each
            for each in wanted
            if each.score > bar and not shown.issuperset(_lines_of(each))
        ]
        room = budget_characters - sum(map(cost, better))
        stays: list[Snippet] = []
        for each in self.kept:
            if each not in better and cost(each) <= room:
                room -= cost(each)
                stays.append(each)
        return (*stays, *better)


def cost(snippet: Snippet) -> int:
    """What a snippet takes of the budget, in characters."""
    return len(snippet.path) + len(snippet.text) + 2


def _lines_of(snippet: Snippet) -> set[tuple[str, str]]:
    return {(snippet.path, line) for line in snippet.text.split("\n")}
