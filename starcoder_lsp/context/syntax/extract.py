"""From the matches of a language's queries to its symbols.

What the captures of `context/queries/*.scm` mean; each match is one fact:

    @definition.KIND   a definition, with @name, and @body where its signature ends;
                       @container names what it belongs to but does not stand in
    @scope.KIND        with @name: stands round definitions without being one
    @import            with @module and one of
                       @member (and its @alias), @default, @namespace, @wildcard,
                       or the @alias of the module itself
    @package           with @name: what the file says it belongs to
    @reference.KIND    the name of something that may be defined elsewhere
    @_anything         for conditions inside the query only
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node, QueryCursor

from starcoder_lsp.context.symbols import Definition, Import, Reference, Symbols
from starcoder_lsp.context.syntax.comments import doc_above, doc_inside
from starcoder_lsp.context.syntax.generic import body_of, name_of
from starcoder_lsp.context.syntax.grammars import Grammar

MATCH_LIMIT = 1024
ROLES = frozenset({"import", "package"})
LONGEST_SIGNATURE = 1200
LONGEST_NAME = 200
CLASS_LIKE = frozenset({"class", "interface", "enum", "type"})
ROUTINES = frozenset({"function", "method", "macro"})
# Of these the first line says enough: the rest is a value.
ONE_LINE = frozenset({"variable", "field", "constant", "macro"})
QUOTES = "\"'`"
NAME_MARKS = ":=" + QUOTES

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
    first_line: int
    last_line: int
    is_scope: bool
    is_exported: bool = True


def extract(root: Node, source: bytes, grammar: Grammar) -> Symbols:
    if grammar.query is None:
        return Symbols(grammar.name, is_complete=False)
    cursor = QueryCursor(grammar.query, match_limit=MATCH_LIMIT)
    found: list[Found] = []
    imports: list[Match] = []
    references: dict[tuple[str, int], Reference] = {}
    package = ""
    for _, match in cursor.matches(root):
        role = next(key for key in match if "." in key or key in ROLES)
        kind, _, detail = role.partition(".")
        if kind == "reference":
            for one in _references(match[role], detail):
                references.setdefault((one.name, one.line), one)
        elif kind == "import":
            imports.append(match)
        elif kind == "package":
            package = _text(match["name"][0])
        else:
            found += _found(match, role, detail)
    return Symbols(
        grammar.name,
        tuple(_whole(_definitions(found, source, grammar), grammar)),
        tuple(_imports(imports, source)),
        tuple(references.values()),
        package,
        not cursor.did_exceed_match_limit,
    )


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")[:LONGEST_NAME]


def _references(nodes: Iterable[Node], kind: str) -> Iterator[Reference]:
    for node in nodes:
        yield Reference(_text(node), node.start_point.row, kind)


def _found(match: Match, role: str, kind: str) -> Iterator[Found]:
    """One, or none where a guessed query finds something without a name."""
    node = match[role][0]
    if "name" in match:
        name: Node | None = match["name"][0]
        body = match["body"][0] if "body" in match else None
    else:
        name, body = name_of(node), body_of(node)
    if name is not None:
        container = match["container"][0] if "container" in match else None
        # Some grammars have the body beside the signature, not in it.
        last = body if body and body.start_byte >= node.end_byte else node
        yield Found(
            node.start_byte,
            last.end_byte,
            kind,
            " ".join(_text(name).strip(NAME_MARKS).split()),
            name.start_byte,
            body.start_byte if body else node.end_byte,
            _text(container).partition("<")[0] if container else "",
            node.start_point.row,
            last.end_point.row,
            role.startswith("scope"),
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
        if not one.is_scope:
            definition = _definition(one, around, source, grammar)
            # A field is set in many places; the first one says what it is.
            place = (definition.container, definition.name)
            if definition.kind != "field" or place not in seen:
                yield definition
            seen.add(place)
        if one.body < one.end or one.is_scope or one.kind == "class":
            around.append(one)


def _whole(each: Iterable[Definition], grammar: Grammar) -> Iterator[Definition]:
    """One definition where a function is written as several clauses."""
    last: Definition | None = None
    for one in each:
        if last and grammar.row.clauses and _is_clause(one, last):
            last = replace(last, last_line=one.last_line)
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
        first + _n_lines(signature) if one.body < one.end else last + 1,
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
    comment = grammar.row.comment
    while len(lines) > 1 and comment and lines[-1].lstrip().startswith(comment):
        lines.pop()
    return "\n".join(lines).rstrip()


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


def _imports(matches: list[Match], source: bytes) -> Iterator[Import]:
    """One per import and module; the matches each hold one of its names."""
    merged: dict[int, tuple[Match, dict[str, str], list[str]]] = {}
    for match in matches:
        place = match["module"][0].start_byte
        _, names, own = merged.setdefault(place, (match, {}, []))
        names.update(_names(match))
        own += [_text(node) for node in match.get("alias", []) if not _names(match)]
    for match, names, own in merged.values():
        module = match["module"]
        written = source[module[0].start_byte : module[-1].end_byte]
        yield Import(
            written.decode("utf-8", "replace").strip(QUOTES)[:LONGEST_NAME],
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
