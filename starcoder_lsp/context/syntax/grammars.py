"""Parsers and queries, loaded when their language is first met, then kept."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter_language_pack
from tree_sitter import Language, Parser, Query, QueryError

from starcoder_lsp.context.syntax.generic import guessed_query
from starcoder_lsp.languages import Language as Row
from starcoder_lsp.languages import language_id, languages

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
    name = language_id(name)
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
    files = (
        QUERIES / f"{file}.scm"
        for file in row.queries
        if (QUERIES / f"{file}.scm").exists()
    )
    source = "\n".join(file.read_text("utf-8") for file in files)
    try:
        return Query(language, source or guessed_query(language))
    except QueryError as exc:
        logger.warning("the queries for %s do not fit its grammar: %s", name, exc)
        return None
