"""Packs excerpts into snippets: lines count for names that the model does not see yet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from starcoder_lsp.context.retrieve.excerpts import Excerpt, ExcerptLine
from starcoder_lsp.context.retrieve.prose import is_prose
from starcoder_lsp.context.retrieve.scene import IDENTIFIER
from starcoder_lsp.flow import Snippet
from starcoder_lsp.languages.lines import indentation

# With less of the budget left than this, no further line is searched for.
SPARE_CHARACTERS = 30
MAX_REASONS = 3
MAX_SIGNATURE_LINES = 8
WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")


def pack(
    pieces: Iterable[Excerpt], known: Collection[str], budget_characters: int
) -> list[Snippet]:
    """Return one snippet per file, of lines that show new names, from the best excerpts.

    The best snippet stands last, nearest to the cursor; a prompt that has to be shortened
    loses the first ones. `known` are the names that the prompt shows anyway. The budget
    counts the text of the snippets and the paths above them.
    """
    seen, used = set(known), 0
    files: dict[str, _File] = {}
    for piece in sorted(pieces, key=lambda piece: -piece.score):
        if used and used > budget_characters - SPARE_CHARACTERS:
            break
        file = files.get(piece.path) or _File(piece.path)
        for line in piece.lines:
            new = _news(line, piece.path, seen)
            cost = file.cost_of(line) if new or piece.is_whole else None
            if cost is not None and used + cost <= budget_characters:
                used += cost
                seen.update(new)
                files[piece.path] = file
                file.take(line, piece)
    snippets = [file.snippet() for file in files.values()]
    return sorted(snippets, key=lambda each: each.score)


def _news(line: ExcerptLine, path: str, seen: Collection[str]) -> list[str]:
    """Return the new names in a line; a definition counts as new even for a known name."""
    names = IDENTIFIER.findall(line.text)
    if line.defines:
        names.append(f"{line.defines} is defined")
    new = [name for name in names if name not in seen]
    return [] if new and is_prose(line.text, path) else new


@dataclass
class _File:
    """The shown lines of one file: each either the line itself or signatures from it."""

    path: str
    lines: dict[int, tuple[ExcerptLine, ...]] = field(default_factory=dict)
    pieces: list[Excerpt] = field(default_factory=list)

    def cost_of(self, line: ExcerptLine) -> int | None:
        """Return the characters that `line` adds to the snippet; None if it adds nothing."""
        known = self.lines.get(line.number, ())
        shown = _together(known, line)
        if shown == known or self._is_in_signature(line):
            return None
        cost_of_path = 0 if self.lines else len(self.path) + 1
        return cost_of_path + _size(shown) - _size(known)

    def _is_in_signature(self, line: ExcerptLine) -> bool:
        """Return whether `line` belongs to a shown signature or decorator above it."""
        above = range(line.number - MAX_SIGNATURE_LINES, line.number)
        return any(
            each.signature_of and _is_within(line, each)
            for number in above
            for each in self.lines.get(number, ())
        )

    def take(self, line: ExcerptLine, piece: Excerpt) -> None:
        known = self.lines.get(line.number, ())
        self.lines[line.number] = _together(known, line)
        if piece not in self.pieces:
            self.pieces.append(piece)

    def snippet(self) -> Snippet:
        numbers = sorted(self.lines)
        return Snippet(
            self.path,
            "\n".join(
                line.text.rstrip() for number in numbers for line in self.lines[number]
            ),
            "+".join(_unique(piece.source for piece in self.pieces)),
            numbers[0],
            numbers[-1],
            max(piece.score for piece in self.pieces),
            "; ".join(_unique(piece.why for piece in self.pieces)[:MAX_REASONS]),
        )


def _size(lines: Iterable[ExcerptLine]) -> int:
    return sum(len(line.text.rstrip()) + 1 for line in lines)


def _together(
    known: tuple[ExcerptLine, ...], line: ExcerptLine
) -> tuple[ExcerptLine, ...]:
    """Merge what is shown of one source line.

    Signatures of a type and of its members may come from the same line; the line itself
    replaces all of them.
    """
    if not known:
        return (line,)
    if not all(each.signature_of for each in known):
        return known
    rest = tuple(each for each in known if not _is_within(each, line))
    if not line.signature_of:
        return known if rest else (line,)
    if any(
        each.signature_of == line.signature_of or _is_within(line, each)
        for each in known
    ):
        return known
    return tuple(sorted((*rest, line), key=lambda each: len(indentation(each.text))))


def _is_within(one: ExcerptLine, other: ExcerptLine) -> bool:
    """Return whether the text of one line is contained in the other."""
    return f" {_words(one)} " in f" {_words(other)} "


def _words(line: ExcerptLine) -> str:
    return " ".join(WORD_OR_MARK.findall(line.text))


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def cost(snippet: Snippet) -> int:
    """Return the characters that a snippet takes from the budget."""
    return len(snippet.path) + len(snippet.text) + 2
