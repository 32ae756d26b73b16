"""The definition of a popup's selected entry, which the user is about to insert."""

from __future__ import annotations

from collections.abc import Iterator

from starcoder_lsp.context.index.reader import Index, Place
from starcoder_lsp.context.retrieve.definitions import signature_line
from starcoder_lsp.context.retrieve.names import Lookup
from starcoder_lsp.context.retrieve.pieces import Line, Piece
from starcoder_lsp.context.retrieve.scene import Scene

# What the user points at comes before what may be meant.
BEST = 3.5
# A name with more definitions than these says nothing without a receiver.
MAX_PLACES = 3


def chosen(scene: Scene, index: Index) -> list[Piece]:
    if not scene.chosen_name:
        return []
    lookup = Lookup(scene, index)
    return [
        Piece(
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


def _places(lookup: Lookup, name: str) -> list[Place]:
    """The receiver's own member, what the name means here, or all that are called so."""
    receiver = lookup.scene.receiver
    type_ = lookup.type_of(receiver) if receiver else None
    for base in lookup.with_bases(type_) if type_ else ():
        for each in lookup.members(base):
            if each.name == name:
                return [Place(base.path, each)]
    if not receiver and (found := lookup.meaning(name)):
        return [found]
    places = lookup.index.definitions(name, limit=MAX_PLACES + 1)
    return places if len(places) <= MAX_PLACES else []


def _lines(place: Place, lookup: Lookup) -> Iterator[Line]:
    """Its signature, below that of what it belongs to."""
    for each in lookup.symbols(place.path).definitions:
        if each.qualified_name == place.definition.container:
            yield signature_line(each)
            break
    yield signature_line(place.definition)
