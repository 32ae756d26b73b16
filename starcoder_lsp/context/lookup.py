"""What a name in a file means: through its imports, its classes and its assignments."""

from __future__ import annotations

from collections.abc import Iterator

from starcoder_lsp.context.imports import imported_files
from starcoder_lsp.context.index import Index, Place
from starcoder_lsp.context.scene import IDENTIFIER, Scene
from starcoder_lsp.context.symbols import Definition, Import, Symbols

TYPES = frozenset(("class", "interface", "enum", "type", "module"))
FUNCTIONS = frozenset(("function", "method"))
OWN_OBJECT = frozenset(("self", "this", "cls", "Self", "super"))
MAX_DEPTH = 3
# Names of an expression or signature that are looked up.
MAX_NAMES = 6


class Lookup:
    """Finds definitions for one scene; remembers what it read meanwhile."""

    def __init__(self, scene: Scene, index: Index) -> None:
        self.scene, self.index = scene, index
        self._symbols: dict[str, Symbols] = {scene.path: scene.symbols}
        self._found: dict[tuple[str, str], Place | None] = {}

    def symbols(self, path: str) -> Symbols:
        if path not in self._symbols:
            self._symbols[path] = self.index.symbols(path) or Symbols("")
        return self._symbols[path]

    def files(self, each: Import, path: str) -> list[str]:
        return imported_files(each, path, self.symbols(path).language, self.index)

    def exported(self, path: str, name: str, depth: int = 0) -> Place | None:
        """What `path` calls `name`, also where it only passes it on."""
        for each in self.symbols(path).definitions:
            if each.name == name and not each.container:
                return Place(path, each)
        if depth >= MAX_DEPTH:
            return None
        for each_import in self.symbols(path).imports:
            real = real_name(each_import, name)
            for file in self.files(each_import, path) if real else ():
                if found := self.exported(file, real, depth + 1):
                    return found
        return None

    def meaning(self, name: str, path: str = "") -> Place | None:
        """What `name` means in `path`: its own, imported, or the only one there is."""
        key = (path or self.scene.path, name)
        if key not in self._found:
            self._found[key] = self.exported(*key) or self._only(name)
        return self._found[key]

    def _only(self, name: str) -> Place | None:
        places = self.index.definitions(name, limit=4)
        top = [place for place in places if not place.definition.container]
        return top[0] if len(top) == 1 and len(places) < 4 else None

    def members(self, place: Place) -> list[Definition]:
        container = place.definition.qualified_name
        definitions = self.symbols(place.path).definitions
        return [each for each in definitions if each.container == container]

    def with_bases(self, place: Place, depth: int = 0) -> Iterator[Place]:
        """`place` and the types that its signature names."""
        yield place
        if depth >= MAX_DEPTH:
            return
        for name in IDENTIFIER.findall(place.definition.signature)[:MAX_NAMES]:
            found = self.meaning(name, place.path)
            if found and found.definition.kind in TYPES and found != place:
                yield from self.with_bases(found, depth + 1)

    def type_of(self, names: tuple[str, ...]) -> Place | None:
        """The type of `a.b`, as far as assignments and annotations tell."""
        head, *rest = names
        here = self._own_type() if head in OWN_OBJECT else self._type_of_name(head)
        for name in rest:
            here = self._type_of_member(here, name) if here else None
        return here

    def _own_type(self) -> Place | None:
        around = [each for each in self.scene.enclosing if each.kind in TYPES]
        return Place(self.scene.path, around[-1]) if around else None

    def _type_of_name(self, name: str) -> Place | None:
        found = self.meaning(name)
        if found and found.definition.kind in TYPES:
            return found
        for expression in self.scene.expressions_of(name):
            if type_ := self._type_in(expression, self.scene.path):
                return type_
        return None

    def _type_of_member(self, place: Place, name: str) -> Place | None:
        for base in self.with_bases(place):
            for each in self.members(base):
                if each.name == name and each.kind in TYPES:
                    return Place(base.path, each)
                if each.name == name:
                    return self._type_in(_after_name(each), base.path)
        return None

    def _type_in(self, expression: str, path: str, depth: int = 0) -> Place | None:
        """The first type that an expression names or a function in it returns."""
        for name in IDENTIFIER.findall(expression)[:MAX_NAMES]:
            found = self.meaning(name, path)
            if found and found.definition.kind in TYPES:
                return found
            if found and found.definition.kind in FUNCTIONS and depth < MAX_DEPTH:
                returned = found.definition.signature.rpartition("->")
                if returned[1]:
                    return self._type_in(returned[2], found.path, depth + 1)
        return None


def real_name(each: Import, name: str) -> str:
    """What the imported module calls `name`; empty where this import does not bring it.

    >>> real_name(Import("os", 0, ("path", "sep"), ("p", "sep")), "p")
    'path'
    """
    locals_ = each.aliases or each.names
    if name in locals_ and each.names:
        return each.names[locals_.index(name)]
    return name if "*" in each.names else ""


def _after_name(definition: Definition) -> str:
    """Where a signature says the type of a member: what it returns or is set to."""
    _, arrow, returned = definition.signature.rpartition("->")
    if arrow:
        return returned
    _, _, after = definition.signature.partition(definition.name)
    return after if IDENTIFIER.search(after) else definition.signature
