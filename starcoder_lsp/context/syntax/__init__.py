"""Parses source text of any language into symbols; nothing else knows tree-sitter."""

from __future__ import annotations

from tree_sitter import Tree

from starcoder_lsp.context.symbols import Reference, Symbols
from starcoder_lsp.context.syntax.extract import extract, references_in
from starcoder_lsp.context.syntax.grammars import grammar_of
from starcoder_lsp.context.syntax.judge import judge as judge
from starcoder_lsp.context.syntax.outline import outline
from starcoder_lsp.context.syntax.parsing import edited, parse_within


def parse(language: str, source: bytes, budget_ms: int = 300) -> Symbols:
    """Return what `source` defines and imports, without what is local to a function.

    Never raises, whatever the bytes. The budget stops most parses that take too long, but
    not all: a scanner may hang, and then the caller's process has to be killed.
    References take as long as everything else together, so only `ParsedDocument` finds
    them, for open documents.
    """
    grammar = grammar_of(language)
    if grammar is None:
        return Symbols(language, is_complete=False)
    brief, is_certain, routines = outline(source, grammar.row)
    tree = parse_within(grammar.parser, brief, budget_ms)
    if tree and tree.root_node.has_error and not is_certain:
        brief, routines = source, ()
        tree = parse_within(grammar.parser, source, budget_ms)
    if tree is None:
        return Symbols(language, is_complete=False)
    return extract(tree.root_node, brief, grammar, routines)


class ParsedDocument:
    """An open document, parsed incrementally after each edit.

    Offsets count bytes of the source.
    """

    def __init__(self, language: str, source: bytes, budget_ms: int = 300) -> None:
        self._language = language
        self._grammar = grammar_of(language)
        self._budget_ms = budget_ms
        self.source = source
        self._tree: Tree | None = None
        self._symbols: Symbols | None = None
        self._parse()

    def edit(self, start: int, old_end: int, new: bytes) -> None:
        """Replace the bytes from `start` to `old_end` by `new`."""
        if self._tree:
            self.source, self._tree = edited(
                self.source, self._tree, start, old_end, new
            )
        else:
            self.source = self.source[:start] + new + self.source[old_end:]
        self._parse()

    @property
    def tree(self) -> Tree | None:
        """The syntax tree; None if there is no grammar, or the budget ran out."""
        return self._tree

    def symbols(self) -> Symbols:
        """The symbols, computed on first use and cached until the next edit."""
        if self._symbols is None:
            if self._grammar and self._tree:
                root = self._tree.root_node
                self._symbols = extract(root, self.source, self._grammar)
            else:
                self._symbols = Symbols(self._language, is_complete=False)
        return self._symbols

    def references(self) -> tuple[Reference, ...]:
        """The references of the document in order, each name once a line."""
        if self._grammar is None or self._tree is None:
            return ()
        return references_in(self._tree.root_node, self.source, self._grammar)

    def _parse(self) -> None:
        self._symbols = None
        if self._grammar:
            parser = self._grammar.parser
            self._tree = parse_within(parser, self.source, self._budget_ms, self._tree)
