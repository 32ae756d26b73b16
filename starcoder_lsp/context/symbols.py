"""What is known of one source file: what it defines, imports and mentions.

Lines count from 0; a span holds its last line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

# Definitions that mean nothing without what they belong to.
MEMBERS = frozenset(("method", "field"))


class Definition(NamedTuple):
    """A named thing and where it stands.

    `kind` is one of module, class, interface, enum, function, method, field, variable,
    constant, type, macro. `signature` is the source from its first line up to its body,
    `doc` the first line of its documentation, `container` the names around it, joined
    by dots. The lines from `body_line` to `last_line` are its body; a definition
    without one has `body_line` beyond `last_line`.
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

    `module` keeps its form (`..pkg.mod`, `./util`, `<vector>`, `crate::a::b`), `names`
    are what it brings in (`*` for all, empty for the module itself) and `aliases` the
    local name of each, in the same order.
    """

    module: str
    line: int
    names: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Reference(NamedTuple):
    """A mention of something defined elsewhere: a call, a type, a base class."""

    name: str
    line: int
    kind: str = "use"


@dataclass(frozen=True, slots=True)
class Symbols:
    """All of it; `package` is what the file says it belongs to (Go, Java, C#...).

    `is_complete` is False where the parse ran out of its budget or found no grammar.
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
        """Those right inside of what has this qualified name."""
        return [each for each in self.definitions if each.container == container]
