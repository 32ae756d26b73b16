"""Parses source text of any language into symbols; nothing else knows tree-sitter."""

from __future__ import annotations

import logging
import time

from tree_sitter import Parser, Tree

from starcoder_lsp.context.symbols import Symbols
from starcoder_lsp.context.syntax.extract import extract
from starcoder_lsp.context.syntax.grammars import grammar_of

logger = logging.getLogger(__name__)
# Below this size no parse takes long enough to be worth asking the clock.
SMALL_BYTES = 8 * 1024
CHUNK_BYTES = 64 * 1024


def parse(language: str, source: bytes, budget_ms: int = 300) -> Symbols:
    """What `source` defines, imports and mentions; never raises, whatever the bytes.

    The budget stops most parses that take too long, but not all: a scanner may hang, and
    the caller's process has to be killed then.
    """
    grammar = grammar_of(language)
    if grammar is None:
        return Symbols(language, is_complete=False)
    tree = parse_within(grammar.parser, source, budget_ms)
    if tree is None:
        return Symbols(language, is_complete=False)
    return extract(tree.root_node, source, grammar)


def parse_within(
    parser: Parser, source: bytes, budget_ms: int, old: Tree | None = None
) -> Tree | None:
    """None when the budget ran out."""
    if len(source) <= SMALL_BYTES:
        return parser.parse(source, old) if old else parser.parse(source)
    end = time.monotonic() + budget_ms / 1000

    def read(offset: int, _point: object) -> bytes:
        return source[offset : offset + CHUNK_BYTES]

    def is_late(_offset: int, _has_error: bool) -> bool:
        return time.monotonic() > end

    try:
        # tree-sitter ignores the callback when it gets the bytes themselves.
        return parser.parse(read, old, progress_callback=is_late)
    except ValueError:
        # It says "Parsing failed"; the next parse would go on with this one otherwise.
        parser.reset()
        return None
