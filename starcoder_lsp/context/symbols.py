"""The symbols of one source file: its definitions, imports and references.

Lines count from 0, and the last line of a range belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

# Kinds of definitions that mean nothing without their container.
MEMBERS = frozenset(("method", "field"))


class Definition(NamedTuple):
    """A named definition and its place.

    `kind` is one of module, class, interface, enum, function, method, field, variable,
    constant, type, macro. `signature` is the source from the first line up to the body,
    `doc` the first line of the documentation, `container` the enclosing names, joined by
    dots. The body are the lines from `body_line` to `last_line`; without a body,
    `body_line` is beyond `last_line`.
    """

    name: str
    kind: str
    first_line: int
    last_line: int
    body_line: int
    signature: str
    doc: str = ""
    container: str = ""
    is_exported: bool = True

    @property
    def qualified_name(self) -> str:
        return f"{self.container}.{self.name}" if self.container else self.name


class Import(NamedTuple):
    """One import, include, use or require, as the file writes it.

    `module` keeps its spelling (`..pkg.mod`, `./util`, `<vector>`, `crate::a::b`).
    `names` are the imported names (`*` for all, empty for the module itself), and
    `aliases` their local names, in the same order.
    """

    module: str
    line: int
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Reference(NamedTuple):
    """A use of something defined elsewhere: a call, a type, a base class."""

    name: str
    line: int
    kind: str = "use"


@dataclass(frozen=True, slots=True)
class Symbols:
    """All symbols of a file; `package` is the one that it declares (Go, Java, C#...).

    `is_complete` is False if the parse ran out of time or the language has no grammar.
    """

    language: str
    definitions: tuple[Definition, ...] = ()
    imports: tuple[Import, ...] = ()
    references: tuple[Reference, ...] = ()
    package: str = ""
    is_complete: bool = True

    def named(self, name: str) -> list[Definition]:
        return [each for each in self.definitions if each.name == name]

    def inside(self, container: str) -> list[Definition]:
        """Return the direct members of the container with this qualified name."""
        return [each for each in self.definitions if each.container == container]
