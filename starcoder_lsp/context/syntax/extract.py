"""Turns the matches of a language's queries into symbols.

The captures of `queries/*.scm`; each match is one fact:

    @definition.KIND   a definition, with @name, and @body at the end of its signature;
                       @container names a container that does not enclose it
    @scope.KIND        with @name: encloses definitions without being one
    @import            with @module and one of
                       @member (and its @alias), @namespace, @wildcard, the @alias
                       of the module itself, or @default: a local name for something
                       that has no name in its module, or mostly the same
    @package           with @name: the package that the file declares
    @reference.KIND    the name of something that may be defined elsewhere
    @_anything         for conditions inside the query only
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node, QueryCursor

from starcoder_lsp.context.symbols import Definition, Reference, Symbols
from starcoder_lsp.context.syntax.comments import doc_above, doc_inside
from starcoder_lsp.context.syntax.generic import body_of, name_of
from starcoder_lsp.context.syntax.grammars import Grammar
from starcoder_lsp.context.syntax.imports import Match, imports_in, text_of
from starcoder_lsp.context.syntax.routines import Routine

MATCH_LIMIT = 1024
ROLES = frozenset({"import", "package"})
LONGEST_SIGNATURE = 1200
LONGEST_NAME = 200
CLASS_LIKE = frozenset({"class", "interface", "enum", "type"})
ROUTINES = frozenset({"function", "method", "macro"})
# Kinds whose first line is the whole signature: the rest is a value.
ONE_LINE = frozenset({"variable", "field", "constant", "macro"})
NAME_MARKS = ":=\"'`"


@dataclass(slots=True)
class CapturedSymbol:
    """A definition or scope whose containers are not known yet; offsets in bytes."""

    start: int
    end: int
    kind: str
    name: str
    name_start: int
    body: int
    container: str
    first_line: int
    last_line: int
    is_scope: bool
    is_exported: bool = True


def extract(
    root: Node, source: bytes, grammar: Grammar, routines: Sequence[Routine] = ()
) -> Symbols:
    """Return all symbols but the references.

    `routines` stand for the functions that were removed from the source.
    """
    cursor = QueryCursor(grammar.definitions, match_limit=MATCH_LIMIT)
    roles: dict[int, tuple[str, str, str]] = {}
    found: list[CapturedSymbol] = []
    imports: list[Match] = []
    package = ""
    for pattern, match in cursor.matches(root):
        role = roles.get(pattern) or roles.setdefault(pattern, _role(match))
        if role[1] == "import":
            imports.append(match)
        elif role[1] == "package":
            package = text_of(match["name"][0], source)
        else:
            if (one := _found(match, role, source)) is not None:
                found.append(one)
    return Symbols(
        grammar.name,
        tuple(_whole(_definitions(found, routines, source, grammar), grammar)),
        tuple(imports_in(imports, source)),
        (),
        package,
        not cursor.did_exceed_match_limit,
    )


def references_in(root: Node, source: bytes, grammar: Grammar) -> tuple[Reference, ...]:
    """Return the references in a tree, each name once a line."""
    if grammar.references is None:
        return ()
    cursor = QueryCursor(grammar.references, match_limit=MATCH_LIMIT)
    captured = (
        (node.start_byte, capture == "reference.type", capture, node)
        for capture, nodes in cursor.captures(root).items()
        for node in nodes
        if capture.startswith("reference.")
    )
    found: dict[tuple[str, int], Reference] = {}
    # To some grammars, a base class or a called name is also a type.
    for _, _, capture, node in sorted(captured, key=lambda one: one[:2]):
        name, line = text_of(node, source)[:LONGEST_NAME], node.start_point.row
        kind = capture.removeprefix("reference.")
        found.setdefault((name, line), Reference(name, line, kind))
    return tuple(found.values())


def _role(match: Match) -> tuple[str, str, str]:
    """Return the capture that tells what a pattern finds, and its parts."""
    role = next(key for key in match if "." in key or key in ROLES)
    kind, _, detail = role.partition(".")
    return role, kind, detail


def _found(
    match: Match, role: tuple[str, str, str], source: bytes
) -> CapturedSymbol | None:
    """Return the symbol of a match; None if a guessed query matched a nameless node."""
    node = match[role[0]][0]
    name: Node | None
    if "name" in match:
        name = match["name"][0]
        body = match["body"][0] if "body" in match else None
    else:
        name, body = name_of(node), body_of(node)
    if name is None:
        return None
    container = match["container"][0] if "container" in match else None
    start, end = node.start_byte, node.end_byte
    name_start = name.start_byte
    written = source[name_start : name.end_byte].decode("utf-8", "replace")
    body_start, last_line = end, node.end_point[0]
    if body is not None:
        body_start = body.start_byte
        # In some grammars the body is beside the signature, not inside it.
        if body_start >= end:
            end, last_line = body.end_byte, body.end_point[0]
    return CapturedSymbol(
        start,
        end,
        role[2],
        " ".join((written[:LONGEST_NAME].strip(NAME_MARKS) or written).split()),
        name_start,
        body_start,
        _outer_name(container, source) if container else "",
        node.start_point[0],
        last_line,
        role[1] == "scope",
    )


def _outer_name(node: Node, source: bytes) -> str:
    """Return the name of a container, without its type arguments."""
    return text_of(node, source).partition("<")[0].strip(NAME_MARKS)


def _definitions(
    found: list[CapturedSymbol],
    routines: Sequence[Routine],
    source: bytes,
    grammar: Grammar,
) -> Iterator[Definition]:
    """Yield definitions in source order, each name once, with their containers."""
    around: list[CapturedSymbol] = []
    seen: set[object] = set()
    for one in _in_order(found, routines):
        if isinstance(one, Routine):
            _leave(around, one)
            if not around or around[-1].kind not in ROUTINES:
                yield _of_routine(one, around, grammar)
        elif one.name_start not in seen:
            seen.add(one.name_start)
            _leave(around, one)
            if not one.is_scope:
                yield from _first(_definition(one, around, source, grammar), seen)
            if one.body < one.end or one.is_scope or one.kind == "class":
                around.append(one)


def _in_order(
    found: Iterable[CapturedSymbol], routines: Iterable[Routine]
) -> Iterable[CapturedSymbol | Routine]:
    """Merge captured symbols and routines by line and position."""
    others = sorted(found, key=_outermost_first)
    return heapq.merge(others, routines, key=lambda one: one.first_line)


def _leave(around: list[CapturedSymbol], one: CapturedSymbol | Routine) -> None:
    """Drop enclosing symbols that end before `one` begins."""
    while around and (
        around[-1].last_line < one.first_line
        if isinstance(one, Routine)
        else around[-1].end <= one.start
    ):
        around.pop()


def _first(definition: Definition, seen: set[object]) -> Iterator[Definition]:
    """Return whether a definition is the first of its name; fields are set repeatedly."""
    place = (definition.container, definition.name)
    if definition.kind != "field" or place not in seen:
        yield definition
    seen.add(place)


def _of_routine(
    one: Routine, around: list[CapturedSymbol], grammar: Grammar
) -> Definition:
    return Definition(
        one.name,
        "method" if around and around[-1].kind in CLASS_LIKE else "function",
        one.first_line,
        one.last_line,
        one.body_line,
        one.signature[:LONGEST_SIGNATURE],
        one.doc,
        ".".join([each.name for each in around if each.name]),
        _is_exported(one.signature, around, grammar),
    )


def _whole(each: Iterable[Definition], grammar: Grammar) -> Iterator[Definition]:
    """Merge the clauses of a function that is written as several into one definition."""
    last: Definition | None = None
    for one in each:
        if last and grammar.row.clauses and _is_clause(one, last):
            last = last._replace(last_line=one.last_line)
            continue
        if last:
            yield last
        last = one
    if last:
        yield last


def _is_clause(one: Definition, last: Definition) -> bool:
    return (one.kind, one.qualified_name) == (last.kind, last.qualified_name)


def _outermost_first(one: CapturedSymbol) -> tuple[int, int, bool, bool]:
    """Sort key: outer symbols first; of several readings of one, the most precise first."""
    return one.start, -one.end, one.body == one.end, not one.container


def _definition(
    one: CapturedSymbol, around: list[CapturedSymbol], source: bytes, grammar: Grammar
) -> Definition:
    kind, outer = one.kind, around
    if kind == "field":
        outer = [each for each in around if each.kind not in ROUTINES]
    elif kind == "function" and (
        one.container or (around and around[-1].kind in CLASS_LIKE)
    ):
        kind = "method"
    elif kind == "variable" and one.name.isupper():
        kind = "constant"
    names = [each.name for each in outer] + [one.container]
    signature = source[one.start : min(one.body, one.start + LONGEST_SIGNATURE)]
    text = _signature_text(signature, kind, grammar)
    one.is_exported = _is_exported(text, outer, grammar)
    first, last = one.first_line, one.last_line
    doc = doc_inside(source, one.body) if grammar.row.docstring else ""
    return Definition(
        one.name,
        kind,
        first,
        last,
        first + text.count("\n") + 1 if one.body < one.end else last + 1,
        text,
        doc or doc_above(source, one.start, grammar.row),
        ".".join(name for name in names if name),
        one.is_exported,
    )


def _signature_text(signature: bytes, kind: str, grammar: Grammar) -> str:
    """Return the text of a signature, without comments between it and the body."""
    lines = signature.decode("utf-8", "replace").strip().splitlines() or [""]
    if kind in ONE_LINE:
        return lines[0].rstrip()
    comment = grammar.row.comment or "\n"
    while len(lines) > 1 and (lines[-1].strip() or comment).startswith(comment):
        lines.pop()
    return "\n".join(lines).rstrip()


def _is_exported(signature: str, outer: list[CapturedSymbol], grammar: Grammar) -> bool:
    """Return whether other files can see a definition; members follow their container."""
    if grammar.row.hidden.search(signature):
        return False
    if not outer:
        return bool(grammar.row.exported.search(signature))
    return outer[-1].kind in CLASS_LIKE | {"module"} and outer[-1].is_exported
