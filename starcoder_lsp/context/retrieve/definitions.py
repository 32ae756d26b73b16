"""Definitions of what is used near the cursor, as signatures.

These are what the file imports, the members of what is being written on, and names that
only one file defines.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from starcoder_lsp.context.index.reader import Index, Place
from starcoder_lsp.context.retrieve.names import FUNCTIONS, TYPES, Lookup, local_name
from starcoder_lsp.context.retrieve.pieces import Later, Line, Piece
from starcoder_lsp.context.retrieve.scene import Scene, mentions
from starcoder_lsp.context.symbols import Definition, Import, Symbols

# What is likely to be written next is worth its whole signature.
LIKELY = 1.2
LONG_SIGNATURE = 300
SHORT_SIGNATURE = 100
MEMBERS_OF_RECEIVER = 3.0
# Of more members the rest waits, and leaves room for how others use them; of that rest
# what can be called comes first, since a field often takes a line as long.
MAX_LIKELY = 12
MAX_PLACES = 150
# A name that is imported and not used yet waits for its first use.
UNUSED = 0.5
ABOVE_SIGNATURE = ("@", "#[", "[")


@dataclass
class Wanted:
    """Definitions and how much each is wanted; the strongest reason counts."""

    scene: Scene
    places: dict[Place, tuple[float, str]] = field(default_factory=dict)

    def add(self, place: Place, score: float, why: str) -> None:
        line = place.definition.first_line
        is_shown = place.path == self.scene.path and line in self.scene.shown_lines
        if not is_shown and score > self.places.get(place, (0.0, ""))[0]:
            self.places[place] = score, why

    def best(self) -> list[tuple[Place, tuple[float, str]]]:
        """No prompt has room for more of them."""
        return heapq.nlargest(
            MAX_PLACES, self.places.items(), key=lambda each: each[1][0]
        )

    def unused(self, local: str) -> float:
        return 0.0 if self.scene.mentions(local, 2) else UNUSED


def definitions(scene: Scene, index: Index) -> list[Piece]:
    lookup, wanted = Lookup(scene, index), Wanted(scene)
    for each in scene.symbols.imports:
        _want_imported(each, lookup, wanted)
    for name, nearness in scene.near.items():
        if found := lookup.meaning(name):
            wanted.add(found, 0.5 + nearness, f"{name} is used near")
    pieces = list(_receivers_members(lookup))
    for place, (score, why) in wanted.best():
        pieces += _skeleton(place, lookup, score, why)
    return pieces


def foresee(path: str, symbols: Symbols, each: Import, index: Index) -> None:
    """Look up what an import brings, so that the index knows it when somebody asks."""
    scene = Scene(path, "", 0, symbols)
    with index.snapshot():
        _want_imported(each, Lookup(scene, index), Wanted(scene))


def _want_imported(each: Import, lookup: Lookup, wanted: Wanted) -> None:
    files = lookup.files(each, lookup.scene.path)
    for name, local in zip(each.names, each.aliases or each.names, strict=False):
        found = next((f for file in files if (f := lookup.exported(file, name))), None)
        if found:
            near = lookup.scene.near.get(local, 0.0)
            score = 1 + near + wanted.unused(local)
            wanted.add(found, score, f"{name} is imported")
            continue
        for file in files:
            if file.rpartition("/")[2].partition(".")[0] == name or name == "*":
                _want_module(file, local, lookup, wanted)
    for file in files if not each.names else ():
        _want_module(file, local_name(each), lookup, wanted)


def _want_module(file: str, local: str, lookup: Lookup, wanted: Wanted) -> None:
    """All that a module has: first what is used of it, then what may be."""
    scene = lookup.scene
    likely = 0.75 + (scene.near.get(local, 0.0) + wanted.unused(local)) / 2
    is_written_on = scene.receiver[-1:] == (local,)
    used = scene.used_of(local) if local else frozenset[str]()
    for each in lookup.symbols(file).definitions:
        if each.container:
            continue
        is_used = each.name in used
        score = 1 + scene.near.get(each.name, 0.0) if is_used else likely
        wanted.add(Place(file, each), score + is_written_on, f"{local} is imported")


def _receivers_members(lookup: Lookup) -> Iterator[Piece]:
    receiver = lookup.scene.receiver
    type_ = lookup.type_of(receiver) if receiver else None
    for depth, base in enumerate(lookup.with_bases(type_) if type_ else ()):
        shown = lookup.scene.shown_lines if base.path == lookup.scene.path else ()
        members = [
            each
            for each in (base.definition, *lookup.members(base))
            if each.first_line not in shown
        ]
        members.sort(key=lambda each: -lookup.scene.likeness(each.signature))
        score = MEMBERS_OF_RECEIVER / (1 + depth / 4)
        why = f"{'.'.join(receiver)} is a {base.definition.name}"
        likely, others = members[:MAX_LIKELY], members[MAX_LIKELY:]
        others.sort(key=lambda each: each.kind not in FUNCTIONS)
        yield Piece(base.path, _lines(likely), "members", why, score)
        yield Piece(base.path, _lines(others), "members", why, score / 3)
        for place in lookup.members_elsewhere(base):
            line = signature_line(place.definition)
            yield Piece(place.path, (line,), "members", why, score)


def _skeleton(place: Place, lookup: Lookup, score: float, why: str) -> Iterator[Piece]:
    limit = LONG_SIGNATURE if score >= LIKELY else SHORT_SIGNATURE
    head = Later(lambda: [signature_line(place.definition, limit)])
    yield Piece(place.path, head, "definitions", why, score)
    if place.definition.kind in TYPES:
        members = Later(lambda: _lines(lookup.members(place)))
        yield Piece(place.path, members, "definitions", why, score - 1)


def _lines(members: Iterable[Definition]) -> tuple[Line, ...]:
    return tuple(signature_line(each) for each in members)


@lru_cache(maxsize=8192)
def signature_line(definition: Definition, limit: int = LONG_SIGNATURE) -> Line:
    """A signature without its line breaks, as deep as it stands; decorators above it."""
    depth = definition.container.count(".") + 1 if definition.container else 0
    indent = "    " * depth
    lines = definition.signature.split("\n")
    named = (i for i, line in enumerate(lines) if _names(line, definition.name))
    start = next(named, 0)
    above = [indent + line.strip() for line in lines[:start] if _is_mark(line)]
    rest = lines[start:]
    text = " ".join(" ".join(rest).split())
    text = text if len(text) <= limit else text[: limit - 3] + "..."
    shown = "\n".join([*above, indent + text])
    top = "" if definition.container else definition.name
    return Line(definition.first_line, shown, top, definition.name)


def _names(line: str, name: str) -> bool:
    """Whether `name` stands in a line that is no decorator or attribute."""
    return any(mentions(line, name)) and not _is_mark(line)


def _is_mark(line: str) -> bool:
    """Of decorators and attributes, those that stand on a line of their own."""
    return line.lstrip().startswith(ABOVE_SIGNATURE) and line.rstrip()[-1] not in "(,["
