"""Parsers and queries, loaded when their language is first met, then kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import tree_sitter_language_pack
from tree_sitter import Language, Parser, Query

from starcoder_lsp.context.syntax.generic import guessed_query
from starcoder_lsp.languages import Language as Row
from starcoder_lsp.languages import language_id, languages

logger = logging.getLogger(__name__)
QUERIES = Path(__file__).parents[1] / "queries"
REFERENCE = "@reference."


@dataclass(frozen=True)
class Grammar:
    """What it takes to read one language; not all have `references`."""

    name: str
    row: Row
    parser: Parser
    definitions: Query
    references: Query | None


@cache
def grammar_of(name: str) -> Grammar | None:
    """None for languages without a grammar, or with one that cannot be loaded here."""
    name = language_id(name)
    row = languages().get(name)
    if row is None or not row.grammar:
        return None
    try:
        language = tree_sitter_language_pack.get_language(row.grammar)  # type: ignore[arg-type]  # checked by a test
        parser = Parser(language)
        return Grammar(name, row, parser, *_queries(row, language))
    except (LookupError, ImportError, OSError, ValueError) as exc:
        # Also a query that does not fit its grammar; a test of every language finds it.
        logger.warning("%s is indexed as plain text: %s", name, exc)
        return None


def _queries(row: Row, language: Language) -> tuple[Query, Query | None]:
    """Of the patterns in the files those that define, and those that refer."""
    files = (QUERIES / f"{file}.scm" for file in row.queries)
    source = "\n".join(file.read_text("utf-8") for file in files).encode()
    if not source:
        return Query(language, guessed_query(language)), None
    whole = Query(language, source.decode())
    starts = [whole.start_byte_for_pattern(i) for i in range(whole.pattern_count)]
    patterns = [source[a:b].decode() for a, b in pairwise([*starts, len(source)])]
    refer = [one for one in patterns if REFERENCE in one]
    define = [one for one in patterns if REFERENCE not in one]
    references = Query(language, "\n".join(refer)) if refer else None
    return Query(language, "\n".join(define)), references
