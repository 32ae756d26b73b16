"""An excerpt: lines of one file that a context source proposes together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """A line as the model reads it: a line of the file, or a signature joined from several.

    `signature_of` is the name whose signature it is. `defines` is the same name where
    the definition is at the top of its file.
    """

    number: int
    text: str
    defines: str = ""
    signature_of: str = ""


@dataclass(frozen=True, eq=False)
class LazyLines:
    """Lines that are made when they are read, because most excerpts find no room."""

    make: Callable[[], Iterable[ExcerptLine]]

    def __iter__(self) -> Iterator[ExcerptLine]:
        return iter(self.make())


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of one file. `score` compares excerpts of all sources; 1 is worth showing.

    With `is_whole`, lines that name nothing new are shown as well.
    """

    path: str
    lines: tuple[ExcerptLine, ...] | LazyLines
    source: str
    why: str = ""
    score: float = 0.0
    is_whole: bool = False


def numbered(first_line: int, text: str) -> tuple[ExcerptLine, ...]:
    return tuple(
        ExcerptLine(first_line + i, line) for i, line in enumerate(text.split("\n"))
    )
