"""Proposes the definition of the selected popup entry, which the user may insert next."""

from __future__ import annotations

from collections.abc import Iterator

from starcoder_lsp.context.index.reader import DefinitionSite, Index
from starcoder_lsp.context.retrieve.definitions import signature_line
from starcoder_lsp.context.retrieve.excerpts import Excerpt, ExcerptLine
from starcoder_lsp.context.retrieve.name_resolution import NameResolver
from starcoder_lsp.context.retrieve.scene import Scene

# The selected entry ranks above anything that is only likely.
BEST = 3.5
# Without a receiver, a name with more definitions than this is ambiguous.
MAX_PLACES = 3


def chosen(scene: Scene, index: Index) -> list[Excerpt]:
    if not scene.chosen_name:
        return []
    lookup = NameResolver(scene, index)
    return [
        Excerpt(
            place.path,
            tuple(_lines(place, lookup)),
            "chosen",
            f"{scene.chosen_name} is selected",
            BEST,
            is_whole=True,
        )
        for place in _places(lookup, scene.chosen_name)
        if place.path != scene.path
        or place.definition.first_line not in scene.shown_lines
    ]


def _places(lookup: NameResolver, name: str) -> list[DefinitionSite]:
    """Return the receiver's member, what the name means here, or all of its definitions."""
    receiver = lookup.scene.receiver
    type_ = lookup.type_of(receiver) if receiver else None
    for base in lookup.with_bases(type_) if type_ else ():
        for each in lookup.members(base):
            if each.name == name:
                return [DefinitionSite(base.path, each)]
    if not receiver and (found := lookup.meaning(name)):
        return [found]
    places = lookup.index.definitions(name, limit=MAX_PLACES + 1)
    return places if len(places) <= MAX_PLACES else []


def _lines(place: DefinitionSite, lookup: NameResolver) -> Iterator[ExcerptLine]:
    """Yield the signature of its container, then its own."""
    for each in lookup.symbols(place.path).definitions:
        if each.qualified_name == place.definition.container:
            yield signature_line(each)
            break
    yield signature_line(place.definition)
