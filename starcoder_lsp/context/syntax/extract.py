"""From the matches of a language's queries to its symbols.

What the captures of `queries/*.scm` mean; each match is one fact:

    @definition.KIND   a definition, with @name, and @body where its signature ends;
                       @container names what it belongs to but does not stand in
    @scope.KIND        with @name: stands round definitions without being one
    @import            with @module and one of
                       @member (and its @alias), @namespace, @wildcard, the @alias
                       of the module itself, or @default: what is called so here and
                       has no name there, or mostly the same
    @package           with @name: what the file says it belongs to
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
# Of these the first line says enough: the rest is a value.
ONE_LINE = frozenset({"variable", "field", "constant", "macro"})
NAME_MARKS = ":=\"'`"


@dataclass(slots=True)
class Found:
    """A definition or scope before its surroundings are known; offsets in bytes."""

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
    """All but the references; `routines` are in the place of what is not in the source."""
    cursor = QueryCursor(grammar.definitions, match_limit=MATCH_LIMIT)
    roles: dict[int, tuple[str, str, str]] = {}
    found: list[Found] = []
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
    """Each name once a line."""
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
    # What is a base class or is called is also a type to some grammars.
    for _, _, capture, node in sorted(captured, key=lambda one: one[:2]):
        name, line = text_of(node, source)[:LONGEST_NAME], node.start_point.row
        kind = capture.removeprefix("reference.")
        found.setdefault((name, line), Reference(name, line, kind))
    return tuple(found.values())


def _role(match: Match) -> tuple[str, str, str]:
    """The capture that says what a pattern finds, and its parts."""
    role = next(key for key in match if "." in key or key in ROLES)
    kind, _, detail = role.partition(".")
    return role, kind, detail


def _found(match: Match, role: tuple[str, str, str], source: bytes) -> Found | None:
    """None where a guessed query finds something without a name."""
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
        # Some grammars have the body beside the signature, not in it.
        if body_start >= end:
            end, last_line = body.end_byte, body.end_point[0]
    return Found(
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
    """A container's, without its type arguments."""
    return text_of(node, source).partition("<")[0].strip(NAME_MARKS)


def _definitions(
    found: list[Found], routines: Sequence[Routine], source: bytes, grammar: Grammar
) -> Iterator[Definition]:
    """In the order of the source, each name once, with the names that stand round it."""
    around: list[Found] = []
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
    found: Iterable[Found], routines: Iterable[Routine]
) -> Iterable[Found | Routine]:
    """By line and place; a routine has its lines for itself."""
    others = sorted(found, key=_outermost_first)
    return heapq.merge(others, routines, key=lambda one: one.first_line)


def _leave(around: list[Found], one: Found | Routine) -> None:
    """Forget what ends before `one` begins."""
    while around and (
        around[-1].last_line < one.first_line
        if isinstance(one, Routine)
        else around[-1].end <= one.start
    ):
        around.pop()


def _first(definition: Definition, seen: set[object]) -> Iterator[Definition]:
    """A field is set in many places; the first one says what it is."""
    place = (definition.container, definition.name)
    if definition.kind != "field" or place not in seen:
        yield definition
    seen.add(place)


def _of_routine(one: Routine, around: list[Found], grammar: Grammar) -> Definition:
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
    """One definition where a function is written as several clauses."""
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


def _outermost_first(one: Found) -> tuple[int, int, bool, bool]:
    """Of several readings of one thing, the one that knows most."""
    return one.start, -one.end, one.body == one.end, not one.container


def _definition(
    one: Found, around: list[Found], source: bytes, grammar: Grammar
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
    """Without the comments that stand between it and the body."""
    lines = signature.decode("utf-8", "replace").strip().splitlines() or [""]
    if kind in ONE_LINE:
        return lines[0].rstrip()
    comment = grammar.row.comment or "\n"
    while len(lines) > 1 and (lines[-1].strip() or comment).startswith(comment):
        lines.pop()
    return "\n".join(lines).rstrip()


def _is_exported(signature: str, outer: list[Found], grammar: Grammar) -> bool:
    """Members are, with what they belong to; what stands in a function never is."""
    if grammar.row.hidden.search(signature):
        return False
    if not outer:
        return bool(grammar.row.exported.search(signature))
    return outer[-1].kind in CLASS_LIKE | {"module"} and outer[-1].is_exported
