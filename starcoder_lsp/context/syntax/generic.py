"""Guesses definitions by node types, for grammars without queries of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Language, Node

# The kind of a node by its type; the first matching row decides.
KINDS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("interface", r"interface|protocol|trait"),
        ("enum", r"enum"),
        ("macro", r"macro"),
        ("method", r"method|constructor_decl"),
        ("function", r"func|procedure|subroutine|subprogram|proc_"),
        ("class", r"class|struct|record|object|contract|component|entity|actor|union"),
        ("module", r"module|namespace|package|library"),
        ("type", r"type_?(?:def|decl|alias|item|statement)|alias|newtype"),
        ("constant", r"const"),
    )
)
DEFINES = re.compile(
    r"(?:^|_)(?:defn?|decl|definition|declaration|item|statement|specifier)$"
    r"|^(?:function|method|class|struct|procedure|interface|enum|record)$"
)
DOES_NOT = re.compile(
    r"call|param|import|include|using|expression|list$|_type$|return|member_of|field"
    r"|end_|_end|constraint|attribute|annotation|catch|incomplete|forward|explicit|local"
)
NAMES = re.compile(r"identifier|name|symbol|word")
BODIES = re.compile(r"body|block|declaration_list|members|compound")


def guessed_query(language: Language) -> str:
    """Return a pattern for each node type that looks like a definition."""
    return "\n".join(
        f"({node_type}) @definition.{kind}" for node_type, kind in _types(language)
    )


def name_of(node: Node) -> Node | None:
    """Return the child that names a definition, by its field or its type."""
    for field in ("name", "declarator"):
        named = node.child_by_field_name(field)
        if named is not None:
            # As in C, the name may be somewhere inside a declarator.
            return name_of(named) or named if field == "declarator" else named
    return next((one for one in node.named_children if NAMES.search(one.type)), None)


def body_of(node: Node) -> Node | None:
    """Return the node of the body, where the signature ends, if the grammar has one."""
    body = node.child_by_field_name("body")
    return body or next((x for x in node.named_children if BODIES.search(x.type)), None)


def _types(language: Language) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for i in range(language.node_kind_count):
        node_type = language.node_kind_for_id(i) or ""
        if node_type in seen or not language.node_kind_is_named(i):
            continue
        seen.add(node_type)
        if not language.node_kind_is_visible(i) or DOES_NOT.search(node_type):
            continue
        kind = next((kind for kind, form in KINDS if form.search(node_type)), None)
        if kind and DEFINES.search(node_type):
            yield node_type, kind
