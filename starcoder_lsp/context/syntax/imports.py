"""Assembles the imports of a file from matches that hold one imported name each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tree_sitter import Node

from starcoder_lsp.context.symbols import Import

Match = dict[str, list[Node]]
LONGEST_MODULE = 200
QUOTES = "\"'`"


def imports_in(matches: Iterable[Match], source: bytes) -> Iterator[Import]:
    """Return one import per statement and module, in source order."""
    merged: dict[int, tuple[Match, dict[str, str], list[str]]] = {}
    for match in matches:
        place = match["module"][0].start_byte
        _, names, own = merged.setdefault(place, (match, {}, []))
        found = _names(match, source)
        names.update(found)
        if not found:
            own += [text_of(node, source) for node in match.get("alias", ())]
    for match, names, own in merged.values():
        module = match["module"]
        written = source[module[0].start_byte : module[-1].end_byte]
        yield Import(
            written.decode("utf-8", "replace").strip(QUOTES)[:LONGEST_MODULE],
            match["import"][0].start_point.row,
            tuple(names),
            tuple(names.values()) or tuple(own),
        )


def text_of(node: Node, source: bytes) -> str:
    """Return the text of a node; `node.text` would read a streamed source once more."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _names(match: Match, source: bytes) -> dict[str, str]:
    """Yield the names that one match imports, with their local names."""
    if "member" in match:
        name = text_of(match["member"][0], source)
        alias = match.get("alias")
        return {name: text_of(alias[0], source) if alias else name}
    if "wildcard" in match:
        return {"*": "*"}
    if "namespace" in match:
        return {"*": text_of(match["namespace"][0], source)}
    if "default" in match:
        # A default mostly has the same name where it is defined.
        name = text_of(match["default"][0], source)
        return {name: name}
    return {}
