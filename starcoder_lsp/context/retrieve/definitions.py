"""Proposes signatures of what is used near the cursor.

Candidates are imports of the file, members of the receiver before the cursor, and names
that exactly one file defines.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from starcoder_lsp.context.index.reader import DefinitionSite, Index
from starcoder_lsp.context.retrieve.excerpts import Excerpt, ExcerptLine, LazyLines
from starcoder_lsp.context.retrieve.name_resolution import (
    FUNCTIONS,
    TYPES,
    NameResolver,
    local_name,
)
from starcoder_lsp.context.retrieve.scene import Scene, mentions
from starcoder_lsp.context.symbols import Definition, Import, Symbols

# A name that is likely to be written next is shown with its whole signature.
LIKELY = 1.2
LONG_SIGNATURE = 300
SHORT_SIGNATURE = 100
MEMBERS_OF_RECEIVER = 3.0
# Further members rank lower, to leave room for lines that use them. Among these, what can
# be called ranks first, since a field often takes a line just as long.
MAX_LIKELY = 12
MAX_PLACES = 150
# A name that is imported but not used yet is likely to be used soon.
UNUSED = 0.5
ABOVE_SIGNATURE = ("@", "#[", "[")


@dataclass
class Wanted:
    """Definitions and how strongly each is wanted; the strongest reason counts."""

    scene: Scene
    places: dict[DefinitionSite, tuple[float, str]] = field(default_factory=dict)

    def add(self, place: DefinitionSite, score: float, why: str) -> None:
        line = place.definition.first_line
        is_shown = place.path == self.scene.path and line in self.scene.shown_lines
        if not is_shown and score > self.places.get(place, (0.0, ""))[0]:
            self.places[place] = score, why

    def best(self) -> list[tuple[DefinitionSite, tuple[float, str]]]:
        """Return the most wanted ones, as many as a prompt may have room for."""
        return heapq.nlargest(
            MAX_PLACES, self.places.items(), key=lambda each: each[1][0]
        )

    def unused(self, local: str) -> float:
        return 0.0 if self.scene.mentions(local, 2) else UNUSED


def definitions(scene: Scene, index: Index) -> list[Excerpt]:
    lookup, wanted = NameResolver(scene, index), Wanted(scene)
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
    """Resolve one import ahead of time, so that the index has it cached for `gather`."""
    scene = Scene(path, "", 0, symbols)
    with index.snapshot():
        _want_imported(each, NameResolver(scene, index), Wanted(scene))


def _want_imported(each: Import, lookup: NameResolver, wanted: Wanted) -> None:
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


def _want_module(file: str, local: str, lookup: NameResolver, wanted: Wanted) -> None:
    """Want all of a module: the members that the file uses first, then the others."""
    scene = lookup.scene
    likely = 0.75 + (scene.near.get(local, 0.0) + wanted.unused(local)) / 2
    is_written_on = scene.receiver[-1:] == (local,)
    used = scene.used_of(local) if local else frozenset[str]()
    for each in lookup.symbols(file).definitions:
        if each.container:
            continue
        is_used = each.name in used
        score = 1 + scene.near.get(each.name, 0.0) if is_used else likely
        wanted.add(
            DefinitionSite(file, each), score + is_written_on, f"{local} is imported"
        )


def _receivers_members(lookup: NameResolver) -> Iterator[Excerpt]:
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
        yield Excerpt(base.path, _lines(likely), "members", why, score)
        yield Excerpt(base.path, _lines(others), "members", why, score / 3)
        for place in lookup.members_elsewhere(base):
            line = signature_line(place.definition)
            yield Excerpt(place.path, (line,), "members", why, score)


def _skeleton(
    place: DefinitionSite, lookup: NameResolver, score: float, why: str
) -> Iterator[Excerpt]:
    limit = LONG_SIGNATURE if score >= LIKELY else SHORT_SIGNATURE
    head = LazyLines(lambda: [signature_line(place.definition, limit)])
    yield Excerpt(place.path, head, "definitions", why, score)
    if place.definition.kind in TYPES:
        members = LazyLines(lambda: _lines(lookup.members(place)))
        yield Excerpt(place.path, members, "definitions", why, score - 1)


def _lines(members: Iterable[Definition]) -> tuple[ExcerptLine, ...]:
    return tuple(signature_line(each) for each in members)


@lru_cache(maxsize=8192)
def signature_line(definition: Definition, limit: int = LONG_SIGNATURE) -> ExcerptLine:
    """Return a signature on one line, with its indentation; decorators stand above it."""
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
    return ExcerptLine(definition.first_line, shown, top, definition.name)


def _names(line: str, name: str) -> bool:
    """Return whether a line names `name` and is not a decorator or attribute."""
    return any(mentions(line, name)) and not _is_mark(line)


def _is_mark(line: str) -> bool:
    """Return whether a line holds nothing but a decorator or attribute."""
    return line.lstrip().startswith(ABOVE_SIGNATURE) and line.rstrip()[-1] not in "(,["
