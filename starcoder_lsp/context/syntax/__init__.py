"""Parses source text of any language into symbols; nothing else knows tree-sitter."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tree_sitter import Parser, Tree

from starcoder_lsp.context.symbols import Symbols
from starcoder_lsp.context.syntax.extract import extract, references_in
from starcoder_lsp.context.syntax.grammars import grammar_of

logger = logging.getLogger(__name__)
# Below this size no parse takes long enough to be worth asking the clock.
SMALL_BYTES = 8 * 1024
CHUNK_BYTES = 64 * 1024


def parse(language: str, source: bytes, budget_ms: int = 300) -> Symbols:
    """What `source` defines and imports; never raises, whatever the bytes.

    The budget stops most parses that take too long, but not all: a scanner may hang, and
    the caller's process has to be killed then. References are found in open documents
    only (`Document`), where they are needed: they would take as long as all the rest.
    """
    grammar = grammar_of(language)
    tree = parse_within(grammar.parser, source, budget_ms) if grammar else None
    if grammar is None or tree is None:
        return Symbols(language, is_complete=False)
    return extract(tree.root_node, source, grammar)


def parse_within(
    parser: Parser, source: bytes, budget_ms: int, old: Tree | None = None
) -> Tree | None:
    """None when the budget ran out."""
    parsed: Callable[..., Tree] = parser.parse
    if old is not None:
        parsed = partial(parsed, old_tree=old)
    if len(source) <= SMALL_BYTES:
        return parsed(source)
    end = time.monotonic() + budget_ms / 1000

    def read(offset: int, _point: object) -> bytes:
        return source[offset : offset + CHUNK_BYTES]

    def is_late(_offset: int, _has_error: bool) -> bool:
        return time.monotonic() > end

    try:
        # tree-sitter ignores the callback when it gets the bytes themselves.
        return parsed(read, progress_callback=is_late)
    except ValueError:
        # It says "Parsing failed"; the next parse would go on with this one otherwise.
        parser.reset()
        return None


class Document:
    """An open document, parsed again after each edit from where it changed on.

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
        before = self.source
        self.source = before[:start] + new + before[old_end:]
        new_end = start + len(new)
        if self._tree:
            self._tree.edit(
                start,
                old_end,
                new_end,
                _point(before, start),
                _point(before, old_end),
                _point(self.source, new_end),
            )
        self._parse()

    @property
    def tree(self) -> Tree | None:
        """None where no grammar exists, or the budget ran out."""
        return self._tree

    def symbols(self) -> Symbols:
        """Found when first asked for, then kept until the next edit."""
        if self._symbols is None:
            self._symbols = self._found()
        return self._symbols

    def _found(self) -> Symbols:
        if self._grammar is None or self._tree is None:
            return Symbols(self._language, is_complete=False)
        root = self._tree.root_node
        found = extract(root, self.source, self._grammar)
        references = references_in(root, self.source, self._grammar)
        return replace(found, references=references)

    def _parse(self) -> None:
        self._symbols = None
        if self._grammar:
            parser = self._grammar.parser
            self._tree = parse_within(parser, self.source, self._budget_ms, self._tree)


def _point(source: bytes, offset: int) -> tuple[int, int]:
    line_start = source.rfind(b"\n", 0, offset) + 1
    return source.count(b"\n", 0, offset), offset - line_start
