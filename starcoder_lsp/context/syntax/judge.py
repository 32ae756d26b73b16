"""Judges texts at the cursor by the grammar: whether they break the code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node, Parser, Tree

from starcoder_lsp.context.syntax.grammars import grammar_of
from starcoder_lsp.context.syntax.parsing import edited, parse_within
from starcoder_lsp.flow import Judgement

# This much of a document is parsed on each side of the cursor.
REGION = 40_000
BUDGET_MS = 100
PAIRS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Region:
    """The parsed part of a document, and the byte offset of the cursor in it."""

    parser: Parser
    source: bytes
    at: int
    tree: Tree


def judge(
    language: str, text: str, offset: int, texts: Sequence[str]
) -> list[Judgement]:
    """Judge each of `texts` as if it stood at `offset` of `text`; offsets in code points.

    Without a grammar, or out of time, the judgements are neutral.
    """
    region = _region(language, text, offset)
    if region is None:
        return [Judgement() for _ in texts]
    n_known = _n_errors(region.tree)
    return [_judgement(region, one, n_known) for one in texts]


def _region(language: str, text: str, offset: int) -> Region | None:
    grammar = grammar_of(language)
    if grammar is None:
        return None
    start = text.rfind("\n", 0, max(0, offset - REGION)) + 1 if offset > REGION else 0
    before = text[start:offset].encode("utf-8", "replace")
    source = before + text[offset : offset + REGION].encode("utf-8", "replace")
    tree = parse_within(grammar.parser, source, BUDGET_MS)
    return Region(grammar.parser, source, len(before), tree) if tree else None


def _judgement(region: Region, text: str, n_known: int) -> Judgement:
    tree = _with(region, text)
    if tree is None:
        return Judgement()
    n_new = max(0, _n_errors(tree) - n_known)
    if n_new:
        # The user may still close the brackets that the text leaves open.
        closed = _with(region, text + _closers(text))
        n_new = min(n_new, max(0, _n_errors(closed) - n_known)) if closed else n_new
    return Judgement(n_new)


def _with(region: Region, text: str) -> Tree | None:
    new = text.encode("utf-8", "replace")
    source, tree = edited(region.source, region.tree.copy(), region.at, region.at, new)
    return parse_within(region.parser, source, BUDGET_MS, tree)


def _n_errors(tree: Tree) -> int:
    """Count parse errors and missing tokens; subtrees without errors are not entered."""
    return sum(node.is_error or node.is_missing for node in _broken(tree.root_node))


def _broken(root: Node) -> Iterator[Node]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.has_error:
            yield node
            waiting.extend(node.children)


def _closers(text: str) -> str:
    """Return the brackets that close those that the text opens.

    >>> _closers("f(a, [1")
    '])'
    """
    opened: list[str] = []
    for character in text:
        if character in PAIRS:
            opened.append(PAIRS[character])
        elif opened and character == opened[-1]:
            opened.pop()
    return "".join(reversed(opened))
