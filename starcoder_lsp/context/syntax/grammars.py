"""Loads parsers and queries at the first use of their language, and keeps them."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from tree_sitter import Language, Parser, Query

from starcoder_lsp.context.syntax.generic import guessed_query
from starcoder_lsp.languages import Language as Row
from starcoder_lsp.languages import language_id, languages

logger = logging.getLogger(__name__)
QUERIES = Path(__file__).with_name("queries")
REFERENCE = "@reference."
TOKEN = re.compile(r';.*|"(?:\\.|[^"\\])*"|[()\[\]]')
OPENING, CLOSING = ("(", "["), (")", "]")


@dataclass(frozen=True)
class Grammar:
    """The parser and queries of one language."""

    name: str
    row: Row
    parser: Parser
    definitions: Query
    reference_patterns: str

    @cached_property
    def references(self) -> Query | None:
        """The query for references, compiled on first use: large grammars take 100 ms."""
        if not self.reference_patterns or self.parser.language is None:
            return None
        return Query(self.parser.language, self.reference_patterns)


@cache
def grammar_of(name: str) -> Grammar | None:
    """Return the grammar of a language; None if it has none, or it cannot be loaded here."""
    name = language_id(name)
    row = languages().get(name)
    if row is None or not row.grammar:
        return None
    try:
        import tree_sitter_language_pack

        language = tree_sitter_language_pack.get_language(row.grammar)  # type: ignore[arg-type]  # checked by a test
        parser = Parser(language)
        return Grammar(name, row, parser, *_queries(row, language))
    except (LookupError, ImportError, OSError, ValueError) as exc:
        # Includes queries that do not match their grammar; a test covers every language.
        logger.warning("%s is indexed as plain text: %s", name, exc)
        return None


def _queries(row: Row, language: Language) -> tuple[Query, str]:
    """Return the compiled query for definitions, and the patterns for references."""
    files = (QUERIES / f"{file}.scm" for file in row.queries)
    source = "\n".join(file.read_text("utf-8") for file in files)
    if not source:
        return Query(language, guessed_query(language)), ""
    patterns = list(_patterns(source))
    refer = [one for one in patterns if REFERENCE in one]
    define = [one for one in patterns if REFERENCE not in one]
    return Query(language, "\n".join(define)), "\n".join(refer)


def _patterns(source: str) -> Iterator[str]:
    r"""Yield the patterns of a query, each with the captures behind it.

    >>> list(_patterns('(a) @x ; (no)\n((b) @y (#eq? @y "("))'))
    ['(a) @x ; (no)\n', '((b) @y (#eq? @y "("))']
    """
    start = depth = 0
    for token in TOKEN.finditer(source):
        if token[0] in OPENING:
            if depth == 0 and token.start() > start:
                yield source[start : token.start()]
                start = token.start()
            depth += 1
        elif token[0] in CLOSING:
            depth -= 1
    yield source[start:]
