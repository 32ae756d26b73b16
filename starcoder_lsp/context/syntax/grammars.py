"""Parsers and queries, loaded when their language is first met, then kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter_language_pack
from tree_sitter import Language, Parser, Query, QueryError

from starcoder_lsp.languages import Language as Row
from starcoder_lsp.languages import languages

logger = logging.getLogger(__name__)
QUERIES = Path(__file__).parents[1] / "queries"


@dataclass(frozen=True)
class Grammar:
    """What it takes to read one language."""

    name: str
    row: Row
    language: Language
    parser: Parser
    query: Query | None


@cache
def grammar_of(name: str) -> Grammar | None:
    """None for languages without a grammar, or with one that cannot be loaded here."""
    row = languages().get(name)
    if row is None or not row.grammar:
        return None
    try:
        language = tree_sitter_language_pack.get_language(row.grammar)  # type: ignore[arg-type]  # checked by a test
        parser = Parser(language)
    except (LookupError, ImportError, OSError, ValueError) as exc:
        logger.warning("%s is indexed as plain text: %s", name, exc)
        return None
    return Grammar(name, row, language, parser, _query(name, row, language))


def _query(name: str, row: Row, language: Language) -> Query | None:
    source = "\n".join(
        (QUERIES / f"{file}.scm").read_text("utf-8") for file in row.queries
    )
    try:
        return Query(language, source)
    except QueryError as exc:
        logger.warning("the queries for %s do not fit its grammar: %s", name, exc)
        return None
