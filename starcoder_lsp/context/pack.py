"""Chooses lines for a budget: what the model does not see anyway is what counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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

    The best one stands last, nearest to the cursor: a prompt that has to be shortened
    loses the first ones.

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


def cost(snippet: Snippet) -> int:
    """What a snippet takes of the budget, in characters."""
    return len(snippet.path) + len(snippet.text) + 2
