"""Gathers snippets of other files for a cursor from all sources."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol

from starcoder_lsp.context.index.reader import Index
from starcoder_lsp.context.retrieve.definitions import definitions
from starcoder_lsp.context.retrieve.excerpts import Excerpt
from starcoder_lsp.context.retrieve.pack import pack
from starcoder_lsp.context.retrieve.recent_edits import RecentEdits, recent
from starcoder_lsp.context.retrieve.related_files import counterparts, siblings
from starcoder_lsp.context.retrieve.scene import Scene
from starcoder_lsp.context.retrieve.selected_entry import chosen
from starcoder_lsp.context.retrieve.similar import similar
from starcoder_lsp.context.retrieve.usages import usages
from starcoder_lsp.flow import Snippet


class Memory(Protocol):
    """The memory of a source for one workspace folder, between two requests."""

    def changed(self, path: str, before: str, after: str) -> None:
        """The user changed the text of an open document from `before` to `after`."""
        ...

    def forget(self, path: str) -> None:
        """A rule hides the file at `path` now."""
        ...


class Source(NamedTuple):
    """One row of `SOURCES`.

    `find` takes a scene, the index and, where the row has a `memory`, an object that
    `memory` made: the indexer keeps one for each workspace folder and tells it of edits.
    """

    find: Callable[..., list[Excerpt]]
    memory: Callable[[], Memory] | None = None


# Each module documents what it proposes; scores compare across sources.
SOURCES: Mapping[str, Source] = {
    "definitions": Source(definitions),
    "similar": Source(similar),
    "usages": Source(usages),
    "counterparts": Source(counterparts),
    "siblings": Source(siblings),
    "chosen": Source(chosen),
    "edits": Source(recent, memory=RecentEdits),
}
NO_MEMORIES: Mapping[str, Memory] = {}


def new_memories() -> dict[str, Memory]:
    """An empty memory for each source that has one, by the source's name."""
    rows = SOURCES.items()
    return {name: source.memory() for name, source in rows if source.memory}


def gather(
    scene: Scene,
    index: Index,
    budget_characters: int,
    *,
    memories: Mapping[str, Memory] = NO_MEMORIES,
    sources: Collection[str] = tuple(SOURCES),
) -> list[Snippet]:
    """Find, rank and pack snippets of other files for `scene`, the best one last.

    A source without its memory in `memories` proposes nothing. The same scene, index
    and memories give the same snippets, in every process.
    """
    with index.snapshot():
        pieces = [
            piece
            for name, source in SOURCES.items()
            if name in sources
            for piece in _found(source, scene, index, memories.get(name))
        ]
        return pack(pieces, scene.shown_names, budget_characters)


def _found(
    source: Source, scene: Scene, index: Index, memory: Memory | None
) -> list[Excerpt]:
    if source.memory is None:
        return source.find(scene, index)
    return source.find(scene, index, memory) if memory is not None else []
