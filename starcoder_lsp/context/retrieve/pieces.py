"""What a source proposes: lines of one file that belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the model may read it: one of the file, or a signature made of some.

    `signature_of` is the name whose signature it is; `defines` is that name where
    nothing stands around the definition.
    """

    number: int
    text: str
    defines: str = ""
    signature_of: str = ""


@dataclass(frozen=True, eq=False)
class Later:
    """Lines that are made when they are read: most pieces find no room."""

    make: Callable[[], Iterable[Line]]

    def __iter__(self) -> Iterator[Line]:
        return iter(self.make())


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of one file; `score` compares pieces of all sources, 1 is worth showing.

    `is_whole` keeps lines that say nothing new, for pieces that are wanted as they are.
    """

    path: str
    lines: tuple[Line, ...] | Later
    source: str
    why: str = ""
    score: float = 0.0
    is_whole: bool = False


def numbered(first_line: int, text: str) -> tuple[Line, ...]:
    return tuple(Line(first_line + i, line) for i, line in enumerate(text.split("\n")))
