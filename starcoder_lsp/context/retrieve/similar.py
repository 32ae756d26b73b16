"""Proposes windows of other files that are similar to the surroundings of the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.index.search import Hit
from starcoder_lsp.context.retrieve.excerpts import Excerpt, LazyLines, numbered
from starcoder_lsp.context.retrieve.prose import is_prose
from starcoder_lsp.context.retrieve.scene import Scene

MAX_HITS = 24
# Ranks count, not scores: a search's scores depend on the size of the workspace.
BEST = 2.0
HALVED_AT_RANK = 3
# Open files matter more than equally similar ones.
OPEN_BONUS = 1.25
SHOWN_TERMS = 5
# The best windows are shown whole: code there may go on as it should here.
N_WHOLE = 2


def similar(scene: Scene, index: Index) -> list[Excerpt]:
    hits = index.search(
        scene.terms,
        MAX_HITS,
        lambda path, line: path != scene.path or line not in scene.shown_lines,
    )
    is_open = frozenset(scene.open_paths)
    wanted = sorted(scene.terms, key=lambda term: (-scene.terms[term], term))
    hits.sort(key=lambda hit: -hit.score * (OPEN_BONUS if hit.path in is_open else 1))
    return [_piece(hit, rank, wanted) for rank, hit in enumerate(hits)]


def _piece(hit: Hit, rank: int, wanted: Sequence[str]) -> Excerpt:
    shared = [term for term in wanted if term in hit.terms]
    why = "same words: " + " ".join(shared[:SHOWN_TERMS])
    score = BEST * HALVED_AT_RANK / (HALVED_AT_RANK + rank)
    if rank >= N_WHOLE:
        lines = LazyLines(lambda: numbered(hit.first_line, hit.text))
        return Excerpt(hit.path, lines, "similar", why, score)
    code = tuple(
        line
        for line in numbered(hit.first_line, hit.text)
        if line.text.strip() and not is_prose(line.text, hit.path)
    )
    return Excerpt(hit.path, code, "similar", why, score, is_whole=True)
