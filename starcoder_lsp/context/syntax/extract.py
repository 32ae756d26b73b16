"""From the matches of a language's queries to its symbols.

What the captures of `context/queries/*.scm` mean; each match is one fact:

    @definition.KIND   a definition, with @name, and @body where its signature ends;
                       @container names what it belongs to but does not stand in
    @scope             with @name: stands round definitions without being one
    @import            with @module and one of
                       @member (and its @alias), @default, @namespace, @wildcard,
                       or the @alias of the module itself
    @package           with @name: what the file says it belongs to
    @reference.KIND    the name of something that may be defined elsewhere
    @_anything         for conditions inside the query only
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tree_sitter import Node, QueryCursor

from starcoder_lsp.context.symbols import Definition, Import, Reference, Symbols
from starcoder_lsp.context.syntax.comments import doc_above, doc_inside
from starcoder_lsp.context.syntax.grammars import Grammar
from starcoder_lsp.context.syntax.grammars import grammar_of as grammar_of

MATCH_LIMIT = 1024
LONGEST_SIGNATURE = 1200
LONGEST_NAME = 200
CLASS_LIKE = frozenset({"class", "interface", "enum", "type", "scope"})
QUOTES = b"\"'`"

Match = dict[str, list[Node]]


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
    node: Node
    is_exported: bool = True


def extract(root: Node, source: bytes, grammar: Grammar) -> Symbols:
    if grammar.query is None:
        return Symbols(grammar.name, is_complete=False)
    cursor = QueryCursor(grammar.query, match_limit=MATCH_LIMIT)
    found: list[Found] = []
    imports: list[Match] = []
    references: list[Reference] = []
    package = ""
    for _, match in cursor.matches(root):
        role = next(key for key in match if "." in key or key in ROLES)
        kind, _, detail = role.partition(".")
        if kind == "reference":
            references += _references(match[role], detail)
        elif kind == "import":
            imports.append(match)
        elif kind == "package":
            package = _text(match["name"][0])
        else:
            found.append(_found(match, role, detail or "scope"))
    return Symbols(
        grammar.name,
        tuple(_definitions(found, source, grammar)),
        tuple(_imports(imports)),
        tuple(references),
        package,
        not cursor.did_exceed_match_limit,
    )


ROLES = frozenset({"import", "package", "scope"})


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")[:LONGEST_NAME]


def _references(nodes: Iterable[Node], kind: str) -> Iterator[Reference]:
    for node in nodes:
        yield Reference(_text(node), node.start_point.row, kind)


def _found(match: Match, role: str, kind: str) -> Found:
    node, name = match[role][0], match["name"][0]
    body = match["body"][0].start_byte if "body" in match else node.end_byte
    container = _text(match["container"][0]) if "container" in match else ""
    return Found(
        node.start_byte,
        node.end_byte,
        kind,
        _text(name),
        name.start_byte,
        body,
        container,
        node,
    )


def _definitions(
    found: list[Found], source: bytes, grammar: Grammar
) -> Iterator[Definition]:
    """In the order of the source, each name once, with the names that stand round it."""
    around: list[Found] = []
    seen: set[object] = set()
    for one in sorted(found, key=_outermost_first):
        if one.name_start in seen:
            continue
        seen.add(one.name_start)
        while around and around[-1].end <= one.start:
            around.pop()
        if one.kind != "scope":
            definition = _definition(one, around, source, grammar)
            # A field is set in many places; the first one says what it is.
            place = (definition.container, definition.name)
            if definition.kind != "field" or place not in seen:
                yield definition
            seen.add(place)
        if one.body < one.end or one.kind == "scope":
            around.append(one)


def _outermost_first(one: Found) -> tuple[int, int, bool, bool]:
    """Of several readings of one thing, the one that knows most."""
    return one.start, -one.end, one.body == one.end, not one.container


def _definition(
    one: Found, around: list[Found], source: bytes, grammar: Grammar
) -> Definition:
    kind, outer = one.kind, around
    if kind == "field":
        outer = [each for each in around if each.kind in CLASS_LIKE]
    elif kind == "function" and (
        one.container or (around and around[-1].kind in CLASS_LIKE)
    ):
        kind = "method"
    elif kind == "variable" and one.name.isupper():
        kind = "constant"
    names = [each.name for each in outer] + [one.container]
    signature = source[one.start : min(one.body, one.start + LONGEST_SIGNATURE)]
    text = signature.decode("utf-8", "replace").strip()
    one.is_exported = _is_exported(text, outer, grammar)
    first, last = one.node.start_point.row, one.node.end_point.row
    doc = doc_inside(source, one.body) if grammar.row.docstring else ""
    return Definition(
        one.name,
        kind,
        first,
        last,
        first + _n_lines(signature) if one.body < one.end else last + 1,
        text,
        doc or doc_above(source, one.start, grammar.row),
        ".".join(name for name in names if name),
        one.is_exported,
    )


def _n_lines(signature: bytes) -> int:
    """A body that opens on the signature's last line counts from the next one."""
    return signature.count(b"\n") + bool(signature.rpartition(b"\n")[2].strip())


def _is_exported(signature: str, outer: list[Found], grammar: Grammar) -> bool:
    """Members are, with what they belong to; what stands in a function never is."""
    if grammar.row.hidden.search(signature):
        return False
    if not outer:
        return bool(grammar.row.exported.search(signature))
    return outer[-1].kind in CLASS_LIKE | {"module"} and outer[-1].is_exported


def _imports(matches: list[Match]) -> Iterator[Import]:
    """One per import and module; the matches each hold one of its names."""
    merged: dict[tuple[int, int], tuple[Match, dict[str, str], list[str]]] = {}
    for match in matches:
        module = match["module"][0]
        key = (match["import"][0].start_byte, module.start_byte)
        _, names, own = merged.setdefault(key, (match, {}, []))
        names.update(_names(match))
        own += [_text(node) for node in match.get("alias", []) if not _names(match)]
    for match, names, own in merged.values():
        yield Import(
            _text(match["module"][0]).strip("\"'`"),
            match["import"][0].start_point.row,
            tuple(names),
            tuple(names.values()) or tuple(own),
        )


def _names(match: Match) -> dict[str, str]:
    """The names that one match says are imported, and what they are called here."""
    if "member" in match:
        name = _text(match["member"][0])
        return {name: _text(match["alias"][0]) if "alias" in match else name}
    if "wildcard" in match:
        return {"*": "*"}
    if "namespace" in match:
        return {"*": _text(match["namespace"][0])}
    return {"default": _text(match["default"][0])} if "default" in match else {}
