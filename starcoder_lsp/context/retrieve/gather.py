"""The best pieces of other files for a place, from all sources."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.retrieve.definitions import definitions
from starcoder_lsp.context.retrieve.pack import pack
from starcoder_lsp.context.retrieve.pieces import Piece
from starcoder_lsp.context.retrieve.popup_entry import chosen
from starcoder_lsp.context.retrieve.recent_edits import RecentEdits, recent
from starcoder_lsp.context.retrieve.relatives import counterparts, siblings
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.retrieve.similar import similar
from starcoder_lsp.context.retrieve.usages import usages
from starcoder_lsp.flow import Snippet

Source = Callable[[Scene, Index], list[Piece]]
# What each proposes is in its module; their scores say how they compare.
SOURCES: Mapping[str, Source] = {
    "definitions": definitions,
    "similar": similar,
    "usages": usages,
    "counterparts": counterparts,
    "siblings": siblings,
    "chosen": chosen,
}
EDITS = "edits"
ALL_SOURCES = (*SOURCES, EDITS)


def gather(
    scene: Scene,
    index: Index,
    budget_characters: int,
    *,
    edits: RecentEdits | None = None,
    sources: Collection[str] = ALL_SOURCES,
) -> list[Snippet]:
    """What other files say about this place, within a budget.

    The same scene, index and edits give the same snippets.
    """
    with index.snapshot():
        pieces = [
            piece
            for name, source in SOURCES.items()
            if name in sources
            for piece in source(scene, index)
        ]
        if edits and EDITS in sources:
            pieces += recent(scene, index, edits)
        return pack(pieces, scene.shown_names, budget_characters)
